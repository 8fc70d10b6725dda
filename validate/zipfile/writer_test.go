package zipfile

import (
	"bytes"
	"compress/flate"
	"hash/crc32"
)

// fields are what a local header or a directory entry says about a member.
type fields struct {
	name          string
	version       uint16
	flags, method uint16
	crc           uint32
	csize, usize  int64
	extra         []byte
	zip64         bool // sizes go into a zip64 field

	// directory only
	comment  string
	external uint32
	part     uint16
	offset   int64
	absent   bool // no such header
}

// member is one member to write. change sees both headers before they are written and may make them lie.
type member struct {
	name       string
	data       string
	deflated   bool
	tail       string // after the compressed data, counted in its size
	gap        string // bytes in front of the local header
	descriptor int    // 12, 16, 20 or 24 bytes; flag 3 is set
	extra      string // in the local header
	change     func(local, central *fields)
	afterData  string
}

// trailer is what the end records say.
type trailer struct {
	count, count64    int64
	size, offset      int64
	size64, offset64  int64
	locator           int64
	zip64             bool
	part              uint16
	beforeEnd         string // between directory and end records
	comment, appended string
	commentLen        int
}

// spec is an archive to write.
type spec struct {
	prefix  string
	shifted bool // offsets do not count the prefix
	members []member
	end     func(*trailer)
}

type out struct{ bytes.Buffer }

func (o *out) u16(v ...uint16) {
	for _, v := range v {
		o.Write(le.AppendUint16(nil, v))
	}
}

func (o *out) u32(v ...int64) {
	for _, v := range v {
		o.Write(le.AppendUint32(nil, uint32(v)))
	}
}

func (o *out) u64(v ...int64) {
	for _, v := range v {
		o.Write(le.AppendUint64(nil, uint64(v)))
	}
}

func (f *fields) sizes(o *out) {
	if f.zip64 {
		o.u32(0xFFFFFFFF, 0xFFFFFFFF)
		return
	}
	o.u32(f.csize, f.usize)
}

func (f *fields) extras() []byte {
	if !f.zip64 {
		return f.extra
	}
	var o out
	o.u16(1, 16)
	o.u64(f.usize, f.csize)
	return append(o.Bytes(), f.extra...)
}

// write makes the archive.
func (s spec) write() []byte {
	var o, dir out
	o.WriteString(s.prefix)
	var count int64
	for _, m := range s.members {
		o.WriteString(m.gap)
		content := []byte(m.data)
		local := fields{name: m.name, version: 20, crc: crc32.ChecksumIEEE(content), usize: int64(len(content)), extra: []byte(m.extra), offset: int64(o.Len())}
		if s.shifted {
			local.offset -= int64(len(s.prefix))
		}
		if m.deflated {
			var z bytes.Buffer
			w, _ := flate.NewWriter(&z, 9)
			w.Write(content)
			w.Close()
			content, local.method = z.Bytes(), deflate
		}
		content = append(content, m.tail...)
		local.csize = int64(len(content))
		central := local
		central.extra = nil
		if m.descriptor > 0 {
			local.flags, central.flags = flagDescriptor, flagDescriptor
			local.crc, local.csize, local.usize = 0, 0, 0
		}
		if m.change != nil {
			m.change(&local, &central)
		}
		if !local.absent {
			o.WriteString(localSig)
			o.u16(local.version, local.flags, local.method, 0, 0)
			o.u32(int64(local.crc))
			local.sizes(&o)
			o.u16(uint16(len(local.name)), uint16(len(local.extras())))
			o.WriteString(local.name)
			o.Write(local.extras())
		}
		o.Write(content)
		if m.descriptor == 16 || m.descriptor == 24 {
			o.WriteString(descSig)
		}
		if m.descriptor > 0 {
			o.u32(int64(central.crc))
			if m.descriptor >= 20 {
				o.u64(central.csize, central.usize)
			} else {
				o.u32(central.csize, central.usize)
			}
		}
		o.WriteString(m.afterData)
		if central.absent {
			continue
		}
		count++
		dir.WriteString(centralSig)
		dir.u16(20, central.version, central.flags, central.method, 0, 0)
		dir.u32(int64(central.crc))
		central.sizes(&dir)
		dir.u16(uint16(len(central.name)), uint16(len(central.extras())), uint16(len(central.comment)), central.part, 0)
		dir.u32(int64(central.external), central.offset)
		dir.WriteString(central.name)
		dir.Write(central.extras())
		dir.WriteString(central.comment)
	}
	s.writeEnd(&o, &dir, count)
	return o.Bytes()
}

func (s spec) writeEnd(o, dir *out, count int64) {
	e := trailer{count: count, count64: count, size: int64(dir.Len()), offset: int64(o.Len()), commentLen: -1}
	if s.shifted {
		e.offset -= int64(len(s.prefix))
	}
	e.size64, e.offset64, e.locator = e.size, e.offset, e.offset+e.size
	if s.end != nil {
		s.end(&e)
	}
	o.Write(dir.Bytes())
	o.WriteString(e.beforeEnd)
	if e.zip64 {
		o.WriteString(end64Sig)
		o.u64(end64Size - 12)
		o.u16(45, 45)
		o.u32(0, 0)
		o.u64(e.count64, e.count64, e.size64, e.offset64)
		o.WriteString(locator64Sig)
		o.u32(0)
		o.u64(e.locator)
		o.u32(1)
	}
	o.WriteString(endSig)
	o.u16(e.part, e.part, uint16(e.count), uint16(e.count))
	o.u32(e.size, e.offset)
	if e.commentLen < 0 {
		e.commentLen = len(e.comment)
	}
	o.u16(uint16(e.commentLen))
	o.WriteString(e.comment)
	o.WriteString(e.appended)
}
