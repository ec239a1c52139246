# Reading and writing tar archives, for whoever puts it into a program.
TAR_SOURCES := tar/tar-header.c tar/pax.c tar/tar-input.c tar/tar-sparse.c tar/tar-reader.c tar/tar-writer.c
