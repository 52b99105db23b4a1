// Package nearest finds the word a person most likely meant, for error
// messages that name the right one.
package nearest

// Word returns the candidate with the smallest edit distance to the word, and
// false when none is near enough to be a likely slip: more than a third of the
// longer word's letters differ. Case differences cost nothing. The first of
// equally near candidates wins.
func Word(word string, candidates []string) (string, bool) {
	const longest = 64 // hostile words are not worth a quadratic comparison
	if len(word) == 0 || len(word) > longest {
		return "", false
	}
	best, bestDistance := "", longest
	for _, c := range candidates {
		if len(c) > longest {
			continue
		}
		limit := max(1, max(len(word), len(c))/3)
		if d := distance(word, c); d <= limit && d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best, best != ""
}

// distance is the optimal string alignment distance: insertions, deletions,
// substitutions and swaps of neighbours, each of cost one.
func distance(a, b string) int {
	before := make([]int, len(b)+1)
	previous := make([]int, len(b)+1)
	current := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if lower(a[i-1]) == lower(b[j-1]) {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && lower(a[i-1]) == lower(b[j-2]) && lower(a[i-2]) == lower(b[j-1]) {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
