package sevenzip

// Property ids (DOC/7zFormat.txt).
const (
	idEnd, idHeader, idArchiveProperties, idAdditionalStreams, idMainStreams, idFiles = 0, 1, 2, 3, 4, 5
	idPackInfo, idUnpackInfo, idSubStreams, idSize, idCRC, idFolder, idUnpackSize     = 6, 7, 8, 9, 10, 11, 12
	idNumUnpackStream, idEmptyStream, idEmptyFile, idAnti, idNames                    = 13, 14, 15, 16, 17
	idCTime, idATime, idMTime, idAttributes, idComment, idEncodedHeader               = 18, 19, 20, 21, 22, 23
	idStartPos, idDummy                                                               = 24, 25
)

// streams are packed streams and the folders that unpack them.
type streams struct {
	packPos uint64
	packed  []uint64 // sizes
	starts  []uint64 // where each begins, behind the signature header
	folders []*folder
}

// folder is one compressed stream with the files in it.
type folder struct {
	coder, props []byte // of its one coder
	coders       int
	stream       int // index of its packed stream
	unpacked     int64
	files        []part

	at, packed int64 // in the file
}

// part is what one file has of a folder.
type part struct {
	size   int64
	sum    uint32
	hasSum bool
}

// file is one entry of the archive.
type file struct {
	name      string
	hasStream bool
	attr      uint32
	part      part
}

// isLink says whether the attributes make a file something else: a type of Unix, or a reparse point of Windows.
func (f *file) isLink() bool {
	kind := f.attr >> 16 & 0xF000
	return f.attr&0x400 != 0 || f.attr&0x8000 != 0 && kind != 0 && kind != 0x8000 && kind != 0x4000
}

// foldersMax bounds the folders; 7-Zip puts many files into each.
const foldersMax = 20_000

// header reads all after its first byte has been seen to be no packed one.
func (r *reader) header() []*file {
	if id := r.byte(); id != idHeader {
		r.fail("it begins with %#x", id)
	}
	r.main = &streams{}
	var files []*file
	for r.err == nil {
		switch id := r.byte(); id {
		case idEnd:
			return files
		case idMainStreams:
			if r.main.folders != nil {
				r.fail("streams twice")
			}
			r.main = r.streams(true)
		case idFiles:
			if files != nil {
				r.fail("files twice")
			}
			files = r.files()
		default:
			r.fail("property %#x", id)
		}
	}
	return nil
}

// streams reads what is packed where, and how.
func (r *reader) streams(several bool) *streams {
	s := &streams{}
	for r.err == nil {
		switch id := r.byte(); {
		case id == idEnd:
			for _, f := range s.folders {
				if f.files == nil { // without idSubStreams a folder is one file
					f.files = []part{{size: f.unpacked}}
				}
			}
			return s
		case id == idPackInfo && s.packed == nil:
			r.packInfo(s)
		case id == idUnpackInfo && s.packed != nil && s.folders == nil:
			r.unpackInfo(s)
		case id == idSubStreams && s.folders != nil && several:
			r.subStreams(s)
			several = false
		default:
			r.fail("property %#x in streams", id)
		}
	}
	return s
}

func (r *reader) packInfo(s *streams) {
	s.packPos = r.number()
	if s.packPos > 1<<60 {
		r.fail("packed streams outside any file")
	}
	n := r.count("packed streams")
	s.packed, s.starts = make([]uint64, n), make([]uint64, n)
	for r.err == nil {
		switch id := r.byte(); id {
		case idEnd:
			return
		case idSize:
			at := s.packPos
			for i := range s.packed {
				s.starts[i] = at
				s.packed[i] = r.number()
				if at += s.packed[i]; at > 1<<60 || s.packed[i] > 1<<60 {
					r.fail("packed streams outside any file")
				}
			}
		default: // checksums of packed streams are in no archive of 7-Zip
			r.fail("property %#x of packed streams", id)
		}
	}
}

func (r *reader) unpackInfo(s *streams) {
	if r.byte() != idFolder {
		r.fail("no folders")
	}
	n := r.count("folders")
	if r.byte() != 0 {
		r.fail("folders in another stream")
	}
	if n > foldersMax {
		r.fail("%d folders, %d are the most", n, foldersMax)
	}
	stream := 0
	for i := 0; i < n && r.err == nil; i++ {
		f := &folder{stream: stream}
		stream += r.coders(f)
		s.folders = append(s.folders, f)
	}
	if stream != len(s.packed) {
		r.fail("%d packed streams for %d", len(s.packed), stream)
	}
	if r.byte() != idUnpackSize {
		r.fail("no sizes")
	}
	for _, f := range s.folders {
		for range f.coders {
			size := r.number()
			if size > 1<<60 {
				r.fail("size %d", size)
			}
			f.unpacked = int64(size) // of the last; folders with several coders are not read
		}
	}
	for r.err == nil {
		switch id := r.byte(); id {
		case idEnd:
			return
		case idCRC:
			for i, sum := range r.digests(len(s.folders)) {
				s.folders[i].files = []part{{size: s.folders[i].unpacked, sum: sum.sum, hasSum: sum.hasSum}}
			}
		default:
			r.fail("property %#x of folders", id)
		}
	}
}

// coders reads the coders of a folder and returns how many packed streams it has. Only a single simple coder is kept.
func (r *reader) coders(f *folder) (packed int) {
	f.coders = r.count("coders")
	if f.coders == 0 || f.coders > 32 {
		r.fail("%d coders", f.coders)
		f.coders = 0
	}
	var in, out uint64
	for range f.coders {
		flags := r.byte()
		id := r.bytes(uint64(flags & 15))
		ins, outs := uint64(1), uint64(1)
		if flags&0x10 != 0 {
			ins, outs = r.number(), r.number()
		}
		var props []byte
		if flags&0x20 != 0 {
			props = r.bytes(r.number())
		}
		if flags&0xC0 != 0 || ins > 32 || outs > 32 || outs == 0 {
			r.fail("coder flags %#x", flags)
		}
		in, out = in+ins, out+outs
		if f.coder == nil || string(id) == aes { // that there is encryption counts more than the rest
			f.coder, f.props = id, props
		}
	}
	if r.err != nil { // the counts are not bounded then
		f.coders = 0
		return 0
	}
	if out == 0 || out-1 > in {
		r.fail("%d outputs for %d inputs", out, in)
		return 0
	}
	for range out - 1 {
		r.number()
		r.number()
	}
	if packed = int(in - (out - 1)); packed > 1 {
		for range packed {
			r.number()
		}
	}
	if packed < 1 {
		r.fail("a folder without a packed stream")
	}
	f.coders = int(out)
	return packed
}

func (r *reader) digests(n int) []part {
	out := make([]part, n)
	for i, given := range r.defined(n) {
		if given {
			if b := r.bytes(4); b != nil {
				out[i].sum, out[i].hasSum = le.Uint32(b), true
			}
		}
	}
	return out
}

// subStreams reads how the folders are divided into files.
func (r *reader) subStreams(s *streams) {
	counts := make([]int, len(s.folders))
	for i := range counts {
		counts[i] = 1
	}
	id := r.byte()
	if id == idNumUnpackStream {
		for i := range counts {
			counts[i] = r.count("files")
		}
		id = r.byte()
	}
	known := make([][]part, len(s.folders))
	for i, f := range s.folders {
		known[i] = f.files
		f.files = make([]part, 0)
		left := f.unpacked
		for k := 0; k < counts[i] && r.err == nil; k++ {
			size := left
			if k+1 < counts[i] {
				if id != idSize {
					r.fail("no sizes of files")
				}
				if n := r.number(); n <= uint64(left) {
					size = int64(n)
				} else {
					r.fail("files larger than their folder")
				}
			}
			left -= size
			f.files = append(f.files, part{size: size})
		}
	}
	if id == idSize {
		id = r.byte()
	}
	if id == idCRC {
		r.fileSums(s, known)
		id = r.byte()
	}
	if id != idEnd {
		r.fail("property %#x of files in folders", id)
	}
}

// fileSums gives the checksums to the files whose folder has none, or more files than one.
func (r *reader) fileSums(s *streams, known [][]part) {
	var open []*part
	for i, f := range s.folders {
		if len(f.files) == 1 && len(known[i]) == 1 && known[i][0].hasSum {
			f.files[0] = known[i][0]
			continue
		}
		for k := range f.files {
			open = append(open, &f.files[k])
		}
	}
	for i, d := range r.digests(len(open)) {
		open[i].sum, open[i].hasSum = d.sum, d.hasSum
	}
}
