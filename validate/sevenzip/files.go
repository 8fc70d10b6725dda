package sevenzip

// files reads the list of files.
func (r *reader) files() []*file {
	n := r.count("files")
	if int64(n) > r.max {
		r.fail("%d files, scan.max_entries allows %d", n, r.max)
		n = 0
	}
	files := make([]*file, n)
	for i := range files {
		files[i] = &file{hasStream: true}
	}
	var empty []*file
	seen := map[byte]bool{}
	for r.err == nil {
		id := r.byte()
		if id == idEnd {
			return files
		}
		if seen[id] && id != idDummy {
			r.fail("property %#x of files twice", id)
		}
		seen[id] = true
		in := &reader{b: r.bytes(r.number())}
		switch id {
		case idEmptyStream:
			for i, is := range in.vector(n) {
				if is {
					files[i].hasStream = false
					empty = append(empty, files[i])
				}
			}
		case idEmptyFile:
			in.vector(len(empty))
		case idAnti:
			in.vector(len(empty))
			r.odd = "anti-items, which delete files when they are unpacked"
		case idNames:
			in.names(files)
		case idAttributes:
			in.attributes(files)
		case idCTime, idATime, idMTime:
			in.b = nil // not judged
		case idDummy, idStartPos:
			for _, c := range in.b {
				if c != 0 {
					r.odd = "data in a place to be skipped"
				}
			}
			in.b = nil
		default:
			r.fail("property %#x of files", id)
		}
		if in.err == nil && len(in.b) > 0 {
			in.fail("%d bytes behind property %#x", len(in.b), id)
		}
		if in.err != nil {
			r.fail("%w", in.err)
		}
	}
	return nil
}

func (r *reader) names(files []*file) {
	if r.byte() != 0 {
		r.fail("names in another stream")
	}
	for _, f := range files {
		var ok bool
		if f.name, r.b, ok = utf16Name(r.b); !ok {
			r.fail("%w", errShort)
			return
		}
	}
}

func (r *reader) attributes(files []*file) {
	given := r.defined(len(files))
	if r.byte() != 0 {
		r.fail("attributes in another stream")
	}
	for i, f := range files {
		if given[i] {
			if b := r.bytes(4); b != nil {
				f.attr = le.Uint32(b)
			}
		}
	}
}
