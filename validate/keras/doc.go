// Package keras judges the JSON from which Keras builds a network: config.json of a .keras archive, the model_config and
// training_config attributes of an HDF5 file (which the hdf5 scanner hands over), keras_metadata.pb of a SavedModel, and
// the same JSON in any other file (architecture.json, presets of KerasHub).
//
// Theory of operation. Keras makes a Python object of every JSON object with a class_name, at any depth, in layers,
// wrappers, compile_config and build_config alike: module and class_name are an import, config the arguments
// (keras/src/saving/serialization_lib.py, deserialize_keras_object; for HDF5 keras/src/legacy/saving/serialization.py).
// So the whole document is walked as a stream, and each such object is looked up in classes.txt, the list of names with
// the reason why they are harmless. What is not listed there is somebody's own class, and a module outside of Keras is
// an import of anything.
//
// # Security
//
// Judged: every class and function name with its module and registered name; code in the file (Lambda layers, the
// marshalled functions in them, wherever they stand); layers that load other files or pickles (TorchModuleWrapper,
// TFSMLayer); TensorFlow functions that a network calls by name; paths that lead out of the model; repeated keys, of
// which readers take different ones. A Lambda body is never decoded further than to say how large it is and which words
// stand in it. Not judged: whether registered code of the loading program is harmless, and the weights.
package keras
