package proxy

import (
	"crypto/tls"
	"encoding/pem"
	"testing"
)

// What the tests of the whole product use of those of the package.

// OutsideOfTests is the world in which *.example are hosts and public addresses lead to loopback.
func OutsideOfTests() *Outside {
	o := new(world).outside()
	return &o
}

type Site struct{ *site }

func NewSite(t testing.TB, handle func(*tls.Conn)) Site { return Site{newSite(t, handle)} }

func (s Site) Port() uint16 { return s.port }
func (s Site) Conns() int64 { return s.conns.Load() }
func (s Site) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.ca})
}
