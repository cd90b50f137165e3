package release

import (
	"strings"
	"sync"
)

// listener finds all literals of a vocabulary in one reading of a text (Aho and Corasick): it is in
// one state after each byte, which stands for the longest beginning of a literal that ends there.
type listener struct {
	class [256]uint8 // of a byte; 0: it is in no literal
	wide  int        // number of classes
	next  []uint16   // state*wide + class to state
	found [][]uint16 // state to the literals that end there
}

var listening = sync.OnceValue(func() *listener { return listen(known.literals) })

func listen(words []string) *listener {
	l := &listener{wide: 1}
	for _, w := range words {
		for i := range len(w) {
			if l.class[w[i]] == 0 {
				l.class[w[i]] = uint8(l.wide)
				l.wide++
			}
		}
	}
	l.add()
	for n, w := range words {
		state := uint16(0)
		for i := range len(w) {
			at := int(state)*l.wide + int(l.class[w[i]])
			if l.next[at] == 0 {
				l.next[at] = l.add()
			}
			state = l.next[at]
		}
		l.found[state] = append(l.found[state], uint16(n))
	}
	l.link()
	return l
}

func (l *listener) add() uint16 {
	l.next = append(l.next, make([]uint16, l.wide)...)
	l.found = append(l.found, nil)
	return uint16(len(l.found) - 1)
}

// link gives every state the ways on of the longest shorter beginning that ends as it does, where it
// has none itself; breadth first, so that the shorter one is done before.
func (l *listener) link() {
	shorter := make([]uint16, len(l.found))
	var queue []uint16
	for _, s := range l.next[:l.wide] {
		if s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		l.found[s] = append(l.found[s], l.found[shorter[s]]...)
		for c := range l.wide {
			at, other := int(s)*l.wide+c, l.next[int(shorter[s])*l.wide+c]
			if l.next[at] == 0 {
				l.next[at] = other
				continue
			}
			shorter[l.next[at]] = other
			queue = append(queue, l.next[at])
		}
	}
}

// hear takes text up for phrases.
func hear(text string) *saying {
	l, s := listening(), &saying{low: strings.ToLower(text)}
	state := 0
	for i := range len(s.low) {
		state = int(l.next[state*l.wide+int(l.class[s.low[i]])])
		for _, n := range l.found[state] {
			s.holds.add(n)
		}
	}
	return s
}
