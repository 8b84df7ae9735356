from typing import Any, final

from typing_extensions import disjoint_base

@disjoint_base
class Version: ...

@disjoint_base
class SavedTensor: ...

@final
class Step: ...

def rebuild_view(base: Any, last: Step | None) -> Any: ...
