// Package embeddings judges files of word vectors: fastText models (.bin, .ftz) and word2vec's binary format.
//
// References: fastText src/fasttext.cc, dictionary.cc, densematrix.cc, quantmatrix.cc, productquantizer.cc (saveModel and
// the save functions it calls); word2vec.c, the end of TrainModel, and gensim KeyedVectors.load_word2vec_format.
//
// # Security
//
// The formats carry words and numbers and no code. Every field is read, every word must be text, and the sizes must add up
// to the file exactly, so that nothing stands behind or between them and no reader goes beyond the end. Numbers are not
// read.
package embeddings

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/loadlock/loadlock/validate"
)

var sizes = &validate.Rule{ID: "embeddings/sizes", Title: "word vectors whose sizes contradict each other", Severity: validate.Medium,
	Why:     "The library trusts the numbers in the head and reads or writes beyond its memory.",
	Fix:     "ask for the file as its writer made it",
	Hostile: "a fastText model of -1 words", Benign: "lid.176.bin",
	Refs: []string{"fastText src/dictionary.cc: Dictionary::load"}}

// Scanner judges word vectors.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "embeddings", Doc: "fastText and word2vec word vectors, field by field", Version: 1,
		Rules: []*validate.Rule{sizes}, Match: match, Scan: scan,
	}
}

const fastTextMagic = 793712314

func match(h validate.Head) bool {
	if isFastText(h.Start) {
		return true
	}
	_, _, n := word2vecHead(h.Start)
	return n > 0 && !h.Text()
}

func isFastText(b []byte) bool { return len(b) >= 8 && binary.LittleEndian.Uint32(b) == fastTextMagic }

// word2vecHead reads "words dimensions\n" and gives its length, or 0.
func word2vecHead(b []byte) (words, dims int64, n int) {
	line, _, ok := bytes.Cut(b[:min(len(b), 40)], []byte("\n"))
	first, second, two := bytes.Cut(line, []byte(" "))
	if !ok || !two {
		return 0, 0, 0
	}
	words, err1 := strconv.ParseInt(string(first), 10, 64)
	dims, err2 := strconv.ParseInt(string(bytes.TrimRight(second, " \r")), 10, 64)
	if err1 != nil || err2 != nil || words < 1 || dims < 1 || words > 1<<32 || dims > 1<<20 {
		return 0, 0, 0
	}
	return words, dims, len(line) + 1
}

func scan(p *validate.Pass) error {
	head := make([]byte, min(64, p.Size))
	if _, err := p.ReadAt(head, 0); err != nil {
		return err
	}
	r := &reader{p: p}
	if isFastText(head) {
		r.fastText()
	} else {
		words, dims, n := word2vecHead(head)
		r.off = int64(n)
		r.word2vec(words, dims)
	}
	if r.err != nil {
		return r.err
	}
	p.Clear(0, r.off, "word vectors")
	return nil
}

// word2vec reads words that end with a space, each before its numbers; the original program puts a line end in front of
// the next word.
func (r *reader) word2vec(words, dims int64) {
	for i := int64(0); i < words && r.err == nil; i++ {
		if i%1024 == 0 && r.failed(r.p.Charge(validate.Entries, 0)) {
			return
		}
		r.word(' ')
		r.skip(dims * 4)
	}
	if r.err == nil && r.off == r.p.Size-1 { // the line end of the last word
		if b := r.bytes(1); b[0] != '\n' {
			r.off--
		}
	}
}
