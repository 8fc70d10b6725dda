// Package all is the explicit list of scanners.
package all

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/compressed"
	"github.com/loadlock/loadlock/validate/coreml"
	"github.com/loadlock/loadlock/validate/embeddings"
	"github.com/loadlock/loadlock/validate/executable"
	"github.com/loadlock/loadlock/validate/gguf"
	"github.com/loadlock/loadlock/validate/hdf5"
	"github.com/loadlock/loadlock/validate/hfconfig"
	"github.com/loadlock/loadlock/validate/keras"
	"github.com/loadlock/loadlock/validate/media"
	"github.com/loadlock/loadlock/validate/milblob"
	"github.com/loadlock/loadlock/validate/msgpack"
	"github.com/loadlock/loadlock/validate/numpy"
	"github.com/loadlock/loadlock/validate/onnx"
	"github.com/loadlock/loadlock/validate/openvino"
	"github.com/loadlock/loadlock/validate/paddle"
	"github.com/loadlock/loadlock/validate/pickle"
	"github.com/loadlock/loadlock/validate/pmml"
	"github.com/loadlock/loadlock/validate/pysource"
	"github.com/loadlock/loadlock/validate/rds"
	"github.com/loadlock/loadlock/validate/safetensors"
	"github.com/loadlock/loadlock/validate/sentencepiece"
	"github.com/loadlock/loadlock/validate/sevenzip"
	"github.com/loadlock/loadlock/validate/skops"
	"github.com/loadlock/loadlock/validate/tarfile"
	"github.com/loadlock/loadlock/validate/tensorbundle"
	"github.com/loadlock/loadlock/validate/tensorflow"
	"github.com/loadlock/loadlock/validate/text"
	"github.com/loadlock/loadlock/validate/textconf"
	"github.com/loadlock/loadlock/validate/tflite"
	"github.com/loadlock/loadlock/validate/torchscript"
	"github.com/loadlock/loadlock/validate/trees"
	"github.com/loadlock/loadlock/validate/unread"
	"github.com/loadlock/loadlock/validate/yamlconf"
	"github.com/loadlock/loadlock/validate/zipfile"
)

// Scanners is every scanner of this build, in no particular order.
func Scanners() []*validate.Scanner {
	return []*validate.Scanner{
		compressed.Scanner(),
		coreml.Scanner(),
		embeddings.Scanner(),
		executable.Scanner(),
		gguf.Scanner(),
		hdf5.Scanner(),
		hfconfig.Scanner(),
		keras.Scanner(),
		media.Scanner(),
		milblob.Scanner(),
		msgpack.Scanner(),
		numpy.Scanner(),
		onnx.Scanner(),
		openvino.Scanner(),
		paddle.Scanner(),
		pickle.Scanner(),
		pmml.Scanner(),
		pysource.Scanner(),
		rds.Scanner(),
		safetensors.Scanner(),
		sentencepiece.Scanner(),
		sevenzip.Scanner(),
		skops.Scanner(),
		tarfile.Scanner(),
		tensorbundle.Scanner(),
		tensorflow.Scanner(),
		text.Scanner(),
		textconf.Scanner(),
		tflite.Scanner(),
		torchscript.Scanner(),
		trees.Scanner(),
		unread.Scanner(),
		yamlconf.Scanner(),
		zipfile.Scanner(),
	}
}
