"""Where the vectors live, and how rebuilt ones take their place."""

import os
import shutil
from pathlib import Path

from projections.projector import ReadModelUnusable, StaleSchema
from projections.vectors.embedding import Embedder
from projections.vectors.read_model import VectorReadModel, VectorsLocked, old_of


class VectorPlace:
    """The directory of the vectors; a rebuild happens in `<directory>.rebuilding` beside it."""

    name = VectorReadModel.name

    def __init__(self, directory: Path, embedder: Embedder) -> None:
        self.path = directory
        self._embedder = embedder

    def live(self) -> VectorReadModel | str:
        """The live read model, or why there is none. Raises VectorsLocked."""
        if not self.path.exists() and not old_of(self.path).exists():
            return "was missing"
        try:
            return VectorReadModel(self.path, self._embedder)
        except VectorsLocked:
            raise
        except StaleSchema as error:
            return f"had schema version {error.found}, this program writes {error.expected}"
        except ReadModelUnusable as error:
            return f"was unreadable: {error.reason}"

    def beside(self) -> VectorReadModel:
        """An empty read model; what an interrupted rebuild left is thrown away."""
        path = self.path.with_name(self.path.name + ".rebuilding")
        shutil.rmtree(path, ignore_errors=True)
        return VectorReadModel(path, self._embedder)

    def differences(self, live: VectorReadModel, rebuilt: VectorReadModel) -> list[str]:
        """By point."""
        return live.differences(rebuilt)

    def install(self, rebuilt: VectorReadModel, live: VectorReadModel | None) -> None:
        """Two renames; opening finishes what a crash between them left."""
        rebuilt.close()
        if live is not None:
            live.close()
        before = old_of(self.path)
        shutil.rmtree(before, ignore_errors=True)
        if self.path.exists():
            os.replace(self.path, before)
        os.replace(rebuilt.path, self.path)
        shutil.rmtree(before, ignore_errors=True)
