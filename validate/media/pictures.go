package media

import (
	"bufio"
	"encoding/binary"
	"io"
	"strings"
)

const (
	maxParts   = 100_000
	maxPicture = 256 << 20
)

// cursor reads forward; it remembers that something went wrong, and then gives zeros.
type cursor struct {
	r    io.ReaderAt
	size int64
	off  int64
	bad  bool
	buf  [16]byte
}

// bytes gives the next n bytes, at most 16.
func (c *cursor) bytes(n int64) []byte {
	b := c.buf[:n]
	clear(b)
	if c.bad || n > c.size-c.off {
		c.bad = true
		return b
	}
	if k, _ := c.r.ReadAt(b, c.off); int64(k) < n {
		c.bad = true
	}
	c.off += n
	return b
}

func (c *cursor) byte() byte { return c.bytes(1)[0] }

func (c *cursor) skip(n int64) {
	if c.bad || n > c.size-c.off {
		c.bad = true
		return
	}
	c.off += n
}

// ended reports whether the picture was read to its last byte.
func (c *cursor) ended() bool { return !c.bad && c.off == c.size }

const pngChunks = " IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI tEXt zTXt iTXt bKGD hIST pHYs sPLT eXIf tIME acTL fcTL fdAT oFFs pCAL sCAL sTER iDOT caBX orNT vpAg "

func png(c *cursor) bool {
	c.skip(8)
	for n := 0; !c.bad && n < maxParts; n++ {
		head := c.bytes(8)
		size, typ := int64(binary.BigEndian.Uint32(head)), string(head[4:])
		if c.bad || !strings.Contains(pngChunks, " "+typ+" ") || (n == 0) != (typ == "IHDR") || typ == "IHDR" && size != 13 {
			return false
		}
		c.skip(size)
		c.skip(4)
		if typ == "IEND" {
			return size == 0 && c.ended()
		}
	}
	return false
}

// jpeg walks the segments and, behind a start of scan, the coded data, in which a marker is FF and neither 00 nor FF.
func jpeg(c *cursor) bool {
	c.skip(2)
	for n := 0; !c.bad && n < maxParts; n++ {
		if c.byte() != 0xff {
			return false
		}
		m := c.byte()
		for m == 0xff && !c.bad {
			m = c.byte()
		}
		switch {
		case m == 0xd9:
			return c.ended()
		case m >= 0xc0 && m <= 0xcf, m >= 0xda && m <= 0xdf, m >= 0xe0 && m <= 0xef, m == 0xfe, m == 0xdb:
		default:
			return false
		}
		size := int64(binary.BigEndian.Uint16(c.bytes(2)))
		if size < 2 {
			return false
		}
		c.skip(size - 2)
		if m == 0xda {
			c.coded()
		}
	}
	return false
}

// coded passes coded data up to the next marker that is no restart.
func (c *cursor) coded() {
	if c.bad {
		return
	}
	r := bufio.NewReaderSize(io.NewSectionReader(c.r, c.off, c.size-c.off), 32<<10)
	for {
		skipped, err := r.ReadSlice(0xff)
		c.off += int64(len(skipped))
		if err == bufio.ErrBufferFull {
			continue
		}
		m, err2 := r.ReadByte()
		if err != nil || err2 != nil {
			c.bad = true
			return
		}
		if m == 0xff {
			r.UnreadByte() // fill bytes
			continue
		}
		if m != 0 && (m < 0xd0 || m > 0xd7) {
			c.off--
			return
		}
		c.off++
	}
}

func gif(c *cursor) bool {
	c.skip(6)
	screen := c.bytes(7)
	c.table(screen[4])
	for n := 0; !c.bad && n < maxParts; n++ {
		switch c.byte() {
		case 0x3b:
			return c.ended()
		case 0x21:
			c.skip(1)
			c.blocks()
		case 0x2c:
			image := c.bytes(9)
			c.table(image[8])
			c.skip(1)
			c.blocks()
		default:
			return false
		}
	}
	return false
}

// table passes a table of colours if the flags announce one.
func (c *cursor) table(flags byte) {
	if flags&0x80 != 0 {
		c.skip(3 << (flags&7 + 1))
	}
}

func (c *cursor) blocks() {
	for n := 0; !c.bad; n++ {
		size := c.byte()
		if size == 0 {
			return
		}
		c.skip(int64(size))
		if n > 1<<20 {
			c.bad = true
		}
	}
}

const webpChunks = " VP8  VP8L VP8X ANIM ANMF ALPH ICCP EXIF XMP  "

func webp(c *cursor) bool {
	head := c.bytes(12)
	if int64(binary.LittleEndian.Uint32(head[4:]))+8 != c.size {
		return false
	}
	for n := 0; !c.bad && n < maxParts; n++ {
		if c.off == c.size {
			return n > 0
		}
		head := c.bytes(8)
		if !strings.Contains(webpChunks, " "+string(head[:4])+" ") {
			return false
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		c.skip(size + size&1)
	}
	return false
}
