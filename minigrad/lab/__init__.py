"""The lab: what the literature says of batch normalization, measured; one file per claim.

    protocol               a claim, a run of it, its bounds, its verdict
    training               images, networks and the loop that several claims share
    drawing                lines, curves, boxes and words as SVG, for light and for dark pages
    axes                   from values to pixels; ticks, and how a number is written
    figure                 the curves of a run as a picture, also in words
    writing                what a run leaves in a folder: numbers as JSON, and a figure
    commands               what `python -m minigrad lab` does
    a1_gradients           first and second derivatives against formulas and differences
    a2_orthogonal_steps    a step is orthogonal to the weights, so they only grow
    a3_effective_rate      k times the weights is 1/k² of the learning rate
    a4_identity            γ and β can undo the normalization
    a5_conventions         five ways to remember a batch
    a6_folding             in evaluation it is one linear map
    a7_exploding           depth makes gradients explode, by a known factor per layer
    a8_rank                depth takes the rank away, and batch norm keeps it
    a9_one_by_one          with the statistics of one image every answer is the same
    b1_figure_one          the paper's first figure, and what it rests on
    b2_grid                learning rates, first weights and activations, with it and without
    b3_deep_sigmoids       deep sigmoid networks learn with it, and not without
    b4_larger_rates        larger steps work, and activations do not explode
    b6_batch_size          small batches harm it, and not what works per image
    b7_moving_average      a moving average lags behind the network
    b8_few_classes         batches of few classes harm it
    b10_smoothness         along the gradient the loss is smoother
    b11_stopped_gradient   what is lost if μ and σ are constants for the gradient
    b12_covariate_shift    what enters a layer shifts less
    b15_robustness         noise and attacks cost more with it
    b16_ghost_batches      the noise of small batches regularizes
    b17_layer_norm         small batches harm it more than layer norm
    b18_articles_networks  the networks of two articles, corrected
    b19_feature_scaling    it takes pixels of any size
    c1_bias_before         a bias before it does nothing
    c2_one_sample          one vector has no statistics, one image has
    c3_ignored_statistics  if the gradient ignores μ and σ a bias grows without end
    c4_first_weights       first weights may be too narrow or too wide
    c5_shaken              it does not help by keeping the inputs of a layer still

A claim imports what a learner would: minigrad, and what several claims share.
"""
