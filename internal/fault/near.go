package fault

// Near returns the word of known that was probably meant, empty when none is close: at most one
// slip in three letters, and never more than three.
func Near(word string, known []string) string {
	best, limit := "", min(3, max(1, len(word)/3))+1
	for _, k := range known {
		if d := distance(word, k, limit); d < limit {
			best, limit = k, d
		}
	}
	return best
}

// distance is Levenshtein's; it gives up with limit when the lengths alone are too far apart.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
