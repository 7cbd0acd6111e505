package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is what was measured: medians over the rounds, and how they compare with the
// base column in the same round.
type table struct {
	base    string
	columns []string
	rounds  int
	rows    []*row
}

type row struct {
	work string // "" for further metrics of the one above
	metric
	values map[string][]float64 // by column, one for each round; NaN where there is none
}

func newTable(base string, columns []string, rounds int) *table {
	return &table{base: base, columns: columns, rounds: rounds}
}

// addWork makes a row for each metric.
func (t *table) addWork(title string, metrics []metric) {
	for _, m := range metrics {
		r := &row{work: title, metric: m, values: map[string][]float64{}}
		for _, c := range t.columns {
			r.values[c] = slices.Repeat([]float64{math.NaN()}, t.rounds)
		}
		t.rows = append(t.rows, r)
	}
}

// set fills in what one measurement of a work came to.
func (t *table) set(title, column string, round int, f figures) {
	for _, r := range t.rows {
		if v, ok := f[r.name]; ok && r.work == title {
			r.values[column][round] = v
		}
	}
}

// median of those that there are; NaN if there is none.
func median(values []float64) float64 {
	there := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(there) == 0 {
		return math.NaN()
	}
	slices.Sort(there)
	half := len(there) / 2
	if len(there)%2 == 1 {
		return there[half]
	}
	return (there[half-1] + there[half]) / 2
}

// ratio is the median of a column's ratios to the base, round by round; NaN if the row
// has none.
func (t *table) ratio(r *row, column string) float64 {
	base := r.values[t.base]
	if !r.metric.ratio || column == t.base || base == nil {
		return math.NaN()
	}
	ratios := make([]float64, t.rounds)
	for i, v := range r.values[column] {
		ratios[i] = v / base[i]
		if base[i] == 0 {
			ratios[i] = math.NaN()
		}
	}
	return median(ratios)
}

// cell is a column's figure in a row, with its ratio to the base behind it.
func (t *table) cell(r *row, column string) string {
	m := median(r.values[column])
	if math.IsNaN(m) {
		return "–"
	}
	text := strconv.FormatFloat(m, 'f', r.digits, 64)
	if ratio := t.ratio(r, column); !math.IsNaN(ratio) {
		text += fmt.Sprintf(" (%.2f)", ratio)
	}
	return text
}

// write prints the table. Rows that are empty in every column are left out.
func (t *table) write(w io.Writer) error {
	lines := [][]string{append([]string{""}, t.columns...)}
	work := ""
	for _, r := range t.rows {
		cells := []string{"  " + r.name}
		for _, c := range t.columns {
			cells = append(cells, t.cell(r, c))
		}
		if !slices.ContainsFunc(cells[1:], func(s string) bool { return s != "–" }) {
			continue
		}
		if r.work != work {
			work = r.work
			lines = append(lines, []string{work})
		}
		lines = append(lines, cells)
	}
	var b strings.Builder
	widths := columnWidths(lines)
	for _, cells := range lines {
		var line strings.Builder
		for i, c := range cells {
			blank := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(c)))
			if i == 0 {
				line.WriteString(c + blank)
			} else {
				line.WriteString("  " + blank + c)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// columnWidths leaves titles of works out, which have their line to themselves.
func columnWidths(lines [][]string) []int {
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, c := range cells {
			if len(cells) > 1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(c))
			}
		}
	}
	return widths
}

// number is null in JSON where there is no figure.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

type cellJSON struct {
	Work   string   `json:"work"`
	Metric string   `json:"metric"`
	Column string   `json:"column"`
	Median number   `json:"median"`
	Ratio  number   `json:"ratio"` // to the base, or null
	Base   string   `json:"base"`
	Rounds []number `json:"rounds"`
}

// cells are the table for machines.
func (t *table) cells() (all []cellJSON) {
	for _, r := range t.rows {
		for _, c := range t.columns {
			cell := cellJSON{r.work, r.name, c, number(median(r.values[c])), number(t.ratio(r, c)), t.base, nil}
			for _, v := range r.values[c] {
				cell.Rounds = append(cell.Rounds, number(v))
			}
			if !math.IsNaN(float64(cell.Median)) {
				all = append(all, cell)
			}
		}
	}
	return all
}
