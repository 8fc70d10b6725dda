package embeddings

import "github.com/loadlock/loadlock/validate"

const (
	maxWords = 1 << 28
	maxRows  = 1 << 40
)

// fastText reads a model as FastText::loadModel does.
func (r *reader) fastText() {
	r.skip(4)
	version := r.int32()
	if version < 1 || version > 12 {
		r.bad("version %d", version)
		return
	}
	r.skip(12*4 + 8) // the settings of the training: twelve numbers and a threshold
	r.dictionary(version)
	quantized := version >= 12 || version == 11
	input := quantized && r.flag()
	r.matrix(input)
	output := quantized && r.flag()
	r.matrix(input && output)
}

func (r *reader) dictionary(version int64) {
	size, words, labels := r.int32(), r.int32(), r.int32()
	r.skip(8) // tokens of the corpus
	pruned := int64(-1)
	if version >= 11 {
		pruned = r.int64()
	}
	if r.err != nil {
		return
	}
	if size < 0 || size > maxWords || words < 0 || labels < 0 || words+labels != size || pruned < -1 || pruned > maxWords {
		r.bad("%d entries, %d words, %d labels, %d pruned", size, words, labels, pruned)
		return
	}
	for i := int64(0); i < size && r.err == nil; i++ {
		if i%1024 == 0 && r.failed(r.p.Charge(validate.Entries, 0)) {
			return
		}
		r.word(0)
		r.skip(8) // count
		if kind := r.byte(); kind > 1 {
			r.bad("an entry of kind %d", kind)
		}
	}
	r.skip(max(pruned, 0) * 8)
}

func (r *reader) matrix(quantized bool) {
	if !quantized {
		rows, columns := r.int64(), r.int64()
		if rows < 0 || columns < 0 || rows > maxRows || columns > 1<<20 {
			r.bad("a matrix of %d times %d", rows, columns)
			return
		}
		r.skip(rows * columns * 4)
		return
	}
	norms := r.flag()
	rows, columns, codes := r.int64(), r.int64(), r.int32()
	if rows < 0 || columns < 0 || rows > maxRows || codes < 0 {
		r.bad("a quantized matrix of %d times %d in %d codes", rows, columns, codes)
		return
	}
	r.skip(codes)
	r.quantizer()
	if norms {
		r.skip(rows)
		r.quantizer()
	}
}

// quantizer is a product quantizer: four numbers, and 256 centroids in each dimension.
func (r *reader) quantizer() {
	dims, parts, width, last := r.int32(), r.int32(), r.int32(), r.int32()
	if dims < 0 || dims > 1<<20 || parts < 0 || width < 0 || last < 0 || parts*width > 1<<21 {
		r.bad("a quantizer of %d dimensions in %d parts of %d", dims, parts, width)
		return
	}
	r.skip(dims * 256 * 4)
}
