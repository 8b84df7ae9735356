"""Rules of neural networks, made of those in `ops/math`. In reading order:

    activations    relu, leaky_relu, sigmoid, tanh, gelu
    dropout        values left out at random
    softmax        probabilities from scores
    log_softmax    their logarithms; logsumexp
    cross_entropy  the loss of classification
    losses         the other losses, and how losses are reduced
    batch_norm     batch normalization, the showpiece
    layer_norm     the same for the values of each example
    group_norm     the same for groups of channels
    batch_renorm   batch norm for batches that are too small for it
    conv2d         convolution of images
    max_pool2d     the largest value of each window
    avg_pool2d     the mean of each window
    embedding      rows of a table, one per index
"""
