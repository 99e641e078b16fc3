package procmon

import "bytes"

// cursor goes over JSON text and finds where values begin and end. It checks no more than
// it needs for that: whoever takes a value has to.
type cursor struct {
	data []byte
	at   int
}

// next returns the byte at the cursor after white space, or 0 at the end.
func (c *cursor) next() byte {
	for c.at < len(c.data) {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return b
		}
	}
	return 0
}

// take goes over the byte if it is next.
func (c *cursor) take(b byte) bool {
	if c.next() != b {
		return false
	}
	c.at++
	return true
}

// value goes over the next value and returns it. What is returned may be cut short, or no
// value at all.
func (c *cursor) value() []byte {
	first := c.next()
	start := c.at
	switch first {
	case '"':
		c.text()
	case '{', '[':
		c.nested()
	default:
		for c.at < len(c.data) && !endsScalar[c.data[c.at]] {
			c.at++
		}
	}
	return c.data[start:c.at]
}

var (
	endsScalar = [256]bool{',': true, ']': true, '}': true, ' ': true, '\t': true, '\r': true, '\n': true}
	nests      = [256]bool{'"': true, '{': true, '[': true, '}': true, ']': true}
)

// nested goes over an object or a list, which begins at the cursor.
func (c *cursor) nested() {
	depth := 0
	for c.at < len(c.data) {
		b := c.data[c.at]
		if !nests[b] {
			c.at++
			continue
		}
		switch b {
		case '"':
			c.text()
			continue
		case '{', '[':
			depth++
		default:
			depth--
		}
		c.at++
		if depth == 0 {
			return
		}
	}
}

// text goes over a text, which begins at the cursor.
func (c *cursor) text() {
	c.at++
	for {
		i := bytes.IndexByte(c.data[c.at:], '"')
		if i < 0 {
			c.at = len(c.data)
			return
		}
		c.at += i + 1
		escapes := 0
		for c.data[c.at-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return
		}
	}
}
