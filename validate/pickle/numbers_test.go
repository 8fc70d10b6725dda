package pickle

import (
	"encoding/binary"
	"math"
	"testing"
)

// Weights without a header must not be taken for pickles by chance, whatever the name says: numbers from a normal
// distribution and plain random bytes, ten thousand files of each.
func TestNumbersAreNoPickles(t *testing.T) {
	state := uint64(1)
	next := func() uint64 { // xorshift64
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		return state
	}
	uniform := func() float64 { return float64(next()>>11) / (1 << 53) }
	claimed := 0
	const files = 10_000
	for i := range 2 * files {
		b := make([]byte, 0, 256)
		for len(b) < 256 {
			if i%2 == 0 {
				b = binary.LittleEndian.AppendUint64(b, next())
				continue
			}
			gauss := math.Sqrt(-2*math.Log(1-uniform())) * math.Cos(2*math.Pi*uniform())
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(0.02*gauss)))
		}
		for _, name := range []string{"model.onnx_data", "model.bin", "weights"} {
			if match(head(name, b)) {
				claimed++
			}
		}
	}
	if claimed > 3*2*files/1000 {
		t.Errorf("%d of %d files of numbers are taken for pickles", claimed, 3*2*files)
	}
}
