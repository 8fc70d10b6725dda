package compressed

import "math/bits"

// xxh32 is XXH32 with the seed zero (Yann Collet, xxHash specification 0.1.1), the checksum of LZ4 frames.
type xxh32 struct {
	lanes [4]uint32
	buf   [16]byte
	used  int
	total uint32
	long  bool
}

const (
	xxhP1 = 0x9E3779B1
	xxhP2 = 0x85EBCA77
	xxhP3 = 0xC2B2AE3D
	xxhP4 = 0x27D4EB2F
	xxhP5 = 0x165667B1
)

func newXXH32() *xxh32 {
	x := &xxh32{}
	p1 := uint32(xxhP1)
	x.lanes = [4]uint32{p1 + xxhP2, xxhP2, 0, -p1}
	return x
}

func sumXXH32(b []byte) uint32 {
	x := newXXH32()
	x.write(b)
	return x.sum()
}

func (x *xxh32) write(b []byte) {
	x.total += uint32(len(b))
	if x.used > 0 {
		n := copy(x.buf[x.used:], b)
		x.used, b = x.used+n, b[n:]
		if x.used < len(x.buf) {
			return
		}
		x.stripe(x.buf[:])
		x.used = 0
	}
	for ; len(b) >= 16; b = b[16:] {
		x.stripe(b)
	}
	x.used = copy(x.buf[:], b)
}

func (x *xxh32) stripe(b []byte) {
	x.long = true
	for i := range x.lanes {
		x.lanes[i] = bits.RotateLeft32(x.lanes[i]+le.Uint32(b[4*i:])*xxhP2, 13) * xxhP1
	}
}

func (x *xxh32) sum() uint32 {
	h := uint32(xxhP5)
	if x.long {
		h = bits.RotateLeft32(x.lanes[0], 1) + bits.RotateLeft32(x.lanes[1], 7) + bits.RotateLeft32(x.lanes[2], 12) + bits.RotateLeft32(x.lanes[3], 18)
	}
	h += x.total
	b := x.buf[:x.used]
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h+le.Uint32(b)*xxhP3, 17) * xxhP4
	}
	for _, c := range b {
		h = bits.RotateLeft32(h+uint32(c)*xxhP5, 11) * xxhP1
	}
	h ^= h >> 15
	h *= xxhP2
	h ^= h >> 13
	h *= xxhP3
	return h ^ h>>16
}
