package pickle

// scriptClass stands for every class below __torch__. The pickles of a TorchScript archive name such classes, and the
// archive's code folder defines them. Python's unpickler finds no module __torch__; torch's C++ unpickler
// (torch/csrc/jit/serialization/unpickler.cpp) makes an object of the class without arguments and sets its attributes.
var scriptClass = &entry{acts: actImport | actCall | actBuild, shape: shapes["new"], reason: "a class that the archive defines"}
