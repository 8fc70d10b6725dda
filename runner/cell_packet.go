package runner

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// transmit sends one request with contents and descriptors: the length of the JSON, the JSON, the contents.
func transmit(to *os.File, req request, contents []byte, files []*os.File) error {
	text, err := json.Marshal(req)
	if err != nil {
		return err
	}
	raw := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(text)+len(contents)), uint32(len(text)))
	raw = append(append(raw, text...), contents...)
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	for {
		// MSG_NOSIGNAL: a cell that is gone is an error, not the end of this process.
		err := unix.Sendmsg(int(to.Fd()), raw, rights, nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			if err != nil {
				return fmt.Errorf("sendmsg: %w", err)
			}
			return nil
		}
	}
}

// receive reads one request with its contents and descriptors. io.EOF means that the parent is done or gone.
func receive(from *os.File) (req request, contents []byte, files []*os.File, err error) {
	raw := make([]byte, 256<<10)
	rights := make([]byte, unix.CmsgSpace(4*packetFiles))
	var n, k, flags int
	for {
		n, k, flags, _, err = unix.Recvmsg(int(from.Fd()), raw, rights, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return req, nil, nil, fmt.Errorf("recvmsg: %w", err)
	}
	if n == 0 {
		return req, nil, nil, io.EOF
	}
	messages, err := unix.ParseSocketControlMessage(rights[:k])
	if err != nil {
		return req, nil, nil, fmt.Errorf("recvmsg: %w", err)
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return req, nil, nil, fmt.Errorf("recvmsg: %w", err)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "model file"))
		}
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		closeAll(files)
		return req, nil, nil, fmt.Errorf("recvmsg: a packet that is too large")
	}
	size := 0
	if n >= 4 {
		size = int(binary.LittleEndian.Uint32(raw))
	}
	if n < 4 || size < 0 || size > n-4 {
		closeAll(files)
		return req, nil, nil, fmt.Errorf("request: a packet that is too short")
	}
	if err := json.Unmarshal(raw[4:4+size], &req); err != nil {
		closeAll(files)
		return req, nil, nil, fmt.Errorf("request: %w", err)
	}
	return req, raw[4+size : n], files, nil
}

// cellMemory is where the collector of a cell begins to work, in bytes: with the runtime's own it stays below 64 MiB
// resident. Below that, collecting would cost more than it gives: a cell lives for one scan.
const cellMemory = 40 << 20

func limitMemory() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(cellMemory)
}
