package runner

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// transmit sends one request with descriptors.
func transmit(to *os.File, req request, files []*os.File) error {
	raw, err := json.Marshal(req)
	if err != nil {
		return err
	}
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

// receive reads one request with its descriptors. io.EOF means that the parent is done or gone.
func receive(from *os.File) (req request, files []*os.File, err error) {
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
		return req, nil, fmt.Errorf("recvmsg: %w", err)
	}
	if n == 0 {
		return req, nil, io.EOF
	}
	messages, err := unix.ParseSocketControlMessage(rights[:k])
	if err != nil {
		return req, nil, fmt.Errorf("recvmsg: %w", err)
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return req, nil, fmt.Errorf("recvmsg: %w", err)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "model file"))
		}
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		closeAll(files)
		return req, nil, fmt.Errorf("recvmsg: a packet that is too large")
	}
	if err := json.Unmarshal(raw[:n], &req); err != nil {
		closeAll(files)
		return req, nil, fmt.Errorf("request: %w", err)
	}
	return req, files, nil
}

// cellMemory is what the collector of a cell aims at, in bytes: with the runtime's own it stays below 64 MiB resident.
const cellMemory = 40 << 20

func limitMemory() { debug.SetMemoryLimit(cellMemory) }
