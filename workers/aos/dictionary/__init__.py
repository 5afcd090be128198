"""AX's data dictionary, read from an AOS' own MetadataService: slice by slice, ids resolved to names, labels in one language.

It only reads. What is read and in which order is told by `importing`; how an answer looks is known to `reading` alone.
"""

from workers.aos.dictionary.importing import Imported, Wish, imported
from workers.aos.dictionary.service import MetadataService, metadata_service

__all__ = ["Imported", "MetadataService", "Wish", "imported", "metadata_service"]
