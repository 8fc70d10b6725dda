// Package validatetest helps the tests of scanners: test vectors as readable text, an assembler for pickles,
// and a whole scan and decision over bytes in memory. Only tests import it.
package validatetest
