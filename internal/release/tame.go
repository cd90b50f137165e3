package release

import "bytes"

// Bounds of what a person writes. Beyond them the parser's time grows with the square of the text.
const (
	deepest   = 12  // quotes and lists that one line opens
	mostLinks = 300 // brackets in one paragraph
)

// tame blanks what is beyond these bounds. Offsets and lines stay as they were.
func tame(src []byte) {
	links := 0
	for start := 0; start < len(src); {
		end := len(src)
		if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
			end = start + i
		}
		line := src[start:end]
		depth, at := markers(line)
		if depth > 0 || len(bytes.TrimSpace(line)) == 0 {
			links = 0 // another paragraph
		}
		if depth > deepest {
			blank(line[:at])
		}
		for i, c := range line {
			if c != '[' {
				continue
			}
			if links++; links > mostLinks {
				line[i] = ' '
			}
		}
		start = end + 1
	}
}

// markers counts the quotes and list items that a line opens, and says where its own text begins.
func markers(line []byte) (depth, at int) {
	for at < len(line) {
		next := at
		switch c := line[at]; {
		case c == ' ' || c == '\t':
			at++
			continue
		case c == '>' || (c == '-' || c == '*' || c == '+') && (at+1 == len(line) || line[at+1] == ' '):
			next++
		case c >= '0' && c <= '9':
			for next < len(line) && line[next] >= '0' && line[next] <= '9' {
				next++
			}
			if next == len(line) || line[next] != '.' && line[next] != ')' {
				return depth, at
			}
			next++
		default:
			return depth, at
		}
		depth, at = depth+1, next
	}
	return depth, at
}
