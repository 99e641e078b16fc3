package block

import "testing"

// Sections returns what is in each section of a block.
func Sections(t testing.TB, value []byte, z *Compressor) (all [][]byte) {
	parts, err := open(value)
	if err != nil {
		t.Fatal(err)
	}
	for i := range parts {
		data, err := z.read(&parts[i])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

// Seal makes a block of sections.
func Seal(all [][]byte, z *Compressor) []byte {
	var parts [sections]part
	for i, section := range all {
		parts[i].bytes = section
	}
	return z.seal(&parts)
}

func Compress(z *Compressor, dst, b []byte) []byte { return z.zw.EncodeAll(b, dst) }
