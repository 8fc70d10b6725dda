package all_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
)

var le = binary.LittleEndian

// header is what a local header or an entry of the directory says about a member.
type header struct {
	name         string
	flags        uint16
	method       uint16
	crc          uint32
	packed, size uint32
	external     uint32 // directory only
	absent       bool
}

// member is a member of an archive; lie sees both headers before they are written.
type member struct {
	name, data string
	deflated   bool
	gap        string // in front of the local header
	lie        func(local, central *header)
}

// archive writes a zip file with every field settable.
type archive struct {
	prefix  string
	members []member
	comment string
	noEnd   bool
}

func (h header) fields(version int) (b []byte) {
	for _, v := range []uint16{20, h.flags, h.method, 0, 0x21}[:5] {
		b = le.AppendUint16(b, v)
	}
	if version == 2 {
		b = append(le.AppendUint16(nil, 20), b...)
	}
	for _, v := range []uint32{h.crc, h.packed, h.size} {
		b = le.AppendUint32(b, v)
	}
	return append(le.AppendUint16(b, uint16(len(h.name))), 0, 0)
}

func (a archive) bytes() []byte {
	var b, dir []byte
	b = append(b, a.prefix...)
	count := uint16(0)
	for _, m := range a.members {
		b = append(b, m.gap...)
		data := []byte(m.data)
		local := header{name: m.name, crc: crc32.ChecksumIEEE(data), size: uint32(len(data))}
		if m.deflated {
			data, local.method = deflated(data), 8
		}
		local.packed = uint32(len(data))
		central := local
		if m.lie != nil {
			m.lie(&local, &central)
		}
		at := uint32(len(b))
		b = append(append(append(b, "PK\x03\x04"...), local.fields(1)...), local.name...)
		b = append(b, data...)
		if central.absent {
			continue
		}
		count++
		dir = append(append(dir, "PK\x01\x02"...), central.fields(2)...)
		dir = append(dir, 0, 0, 0, 0, 0, 0)
		dir = le.AppendUint32(le.AppendUint32(dir, central.external), at)
		dir = append(dir, central.name...)
	}
	at := uint32(len(b))
	b = append(b, dir...)
	if a.noEnd {
		return b
	}
	b = append(b, "PK\x05\x06\x00\x00\x00\x00"...)
	b = le.AppendUint16(le.AppendUint16(b, count), count)
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(dir))), at)
	return append(le.AppendUint16(b, uint16(len(a.comment))), a.comment...)
}

func deflated(data []byte) []byte {
	var z bytes.Buffer
	w, err := flate.NewWriter(&z, 9)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // writing to memory does not fail
	}
	return z.Bytes()
}

// holding is an archive of plain members: names and contents.
func holding(pairs ...string) []byte {
	var a archive
	for i := 0; i < len(pairs); i += 2 {
		a.members = append(a.members, member{name: pairs[i], data: pairs[i+1]})
	}
	return a.bytes()
}

// one is an archive of a member that lies, behind an honest one.
func one(name, data string, lie func(local, central *header)) []byte {
	return archive{members: []member{{name: "m/first.txt", data: "one\n"}, {name: name, data: data, lie: lie}}}.bytes()
}

// checkpoint is a torch archive with this program and one storage.
func checkpoint(program, storage string, more ...string) []byte {
	return holding(append([]string{"m/data.pkl", program, "m/byteorder", "little", "m/data/7", storage, "m/version", "3\n"}, more...)...)
}
