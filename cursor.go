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
	c.next()
	start := c.at
	for depth := 0; c.at < len(c.data); {
		switch c.data[c.at] {
		case '"':
			c.text()
		case '{', '[':
			depth++
			c.at++
			continue
		case '}', ']':
			if depth == 0 {
				return c.data[start:c.at]
			}
			depth--
			c.at++
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return c.data[start:c.at]
			}
			c.at++
			continue
		default:
			c.at++
			continue
		}
		if depth == 0 {
			break
		}
	}
	return c.data[start:c.at]
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
