// Package hdf5 judges HDF5 files: Keras models (.h5, .weights.h5), pandas and h5py files.
//
// Theory of operation. The file is read as the HDF5 File Format Specification, version 3.0
// (https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html), lays it out: superblock, object headers with
// their continuations, groups of both kinds, attributes of both kinds, the index of every chunked dataset. Each object
// is visited once, whatever cycles the links form. Every structure claims its bytes; two claims on one byte are a
// finding, and so are bytes that nothing claims, unless they are what the library leaves behind when it moves or
// deletes things: zeros, or a little stale metadata that is no other file.
//
// # Security
//
// The numbers of datasets are never read, compressed or not. What the library would open or load besides this file is
// judged: external raw data, external links, virtual datasets, split drivers, filters that are plugins. Attributes
// that are text or opaque, and opaque, byte or text datasets and heap objects that begin like a pickle, are files
// inside this file (Pass.Descend): PyTables and pandas unpickle them, Keras builds the network that model_config
// describes. Not judged: what a program makes of the numbers, and pickles in datasets that are compressed with another
// filter than deflate.
package hdf5
