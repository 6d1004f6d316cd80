//! Layers: a file names only modules at its own level or lower, and libraries stay behind their owners.
