package drain

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// FirstChunk decodes the first chunk of an LZMA2 stream that breaks in it: the decoder for whole streams cannot be
// asked again. Such a chunk brings its own properties and begins with an empty dictionary, so it is an LZMA stream of
// a known size (the .xz file format 1.2.1, 5.3.1; LZMA SDK, lzma2.h). The reader ends with an error in any case that
// is not a whole chunk.
func FirstChunk(in io.Reader, dict int64) (io.Reader, error) {
	var head [6]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	if head[0] < 0xE0 {
		return nil, errors.New("the first chunk is not compressed")
	}
	plain := int64(head[0]&0x1f)<<16 + int64(binary.BigEndian.Uint16(head[1:])) + 1
	packed := int64(binary.BigEndian.Uint16(head[3:])) + 1
	alone := binary.LittleEndian.AppendUint32([]byte{head[5]}, uint32(dict))
	alone = binary.LittleEndian.AppendUint64(alone, uint64(plain))
	r, err := lzma.ReaderConfig{DictCap: int(dict)}.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(alone), io.LimitReader(in, packed))))
	if err != nil {
		return nil, err
	}
	return Reader(r, dict), nil
}
