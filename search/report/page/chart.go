package page

import (
	"fmt"
	"time"

	"vigil/search/report/document"
)

// The chart's size in units of its view box.
const (
	chartWidth  = 960
	chartHeight = 170
	left        = 52 // of the bars, right of the numbers
	bottom      = chartHeight - 22
	top         = 8
)

// chart is events over time as bars.
type chart struct {
	Width, Height int
	Left, Bottom  int
	Bars          []bar
	Lines         []line // of the grid
	Ticks         []tick // of time
	Legend        bool   // part of each bar is failures
}

type bar struct {
	X, Y, W, H string
	FailY      string // the part that failed, at the bottom of the bar
	FailH      string
	Title      string
}

type line struct {
	Y     string
	Label string
}

type tick struct {
	X     string
	Label string
}

func unit(f float64) string { return fmt.Sprintf("%.1f", f) }

// newChart draws counts, and what part of each failed if failures is not nil; nil
// if there is nothing to draw.
func newChart(t *document.Timeline, counts, failures []uint64, location *time.Location) *chart {
	most := uint64(0)
	for _, n := range counts {
		most = max(most, n)
	}
	if most == 0 {
		return nil
	}
	c := &chart{Width: chartWidth, Height: chartHeight, Left: left, Bottom: bottom, Legend: total(failures) > 0}
	step := niceStep(most)
	lines := (most-1)/step + 1
	scale := float64(bottom-top) / (float64(lines) * float64(step))
	for n := range lines + 1 {
		c.Lines = append(c.Lines, line{unit(bottom - float64(n)*float64(step)*scale), short(n * step)})
	}
	// Few buckets make no bars as broad as a hand.
	each := min(float64(chartWidth-left)/float64(len(counts)), 48)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		h := max(float64(n)*scale, 1)
		b := bar{X: unit(left + float64(i)*each), W: unit(max(each-1, each*0.6)), Y: unit(bottom - h), H: unit(h),
			Title: t.Start.Add(time.Duration(i)*t.Width).In(location).Format("2006-01-02 15:04:05") + ": " + document.Group(n)}
		if failures != nil && failures[i] > 0 {
			f := max(float64(failures[i])*scale, 1)
			b.FailY, b.FailH = unit(bottom-f), unit(f)
			b.Title += fmt.Sprintf(", %s failed", document.Group(failures[i]))
		}
		c.Bars = append(c.Bars, b)
	}
	c.ticks(t, each, len(counts), location)
	return c
}

// niceStep returns a step of 1, 2 or 5 times a power of ten that makes two to five
// lines.
func niceStep(most uint64) uint64 {
	step := uint64(1)
	for {
		for _, m := range [...]uint64{1, 2, 5} {
			if most/m/step < 5 {
				return step * m
			}
		}
		step *= 10
	}
}

func short(n uint64) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 10_000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return document.Group(n)
}

// marks is how many ticks there are at most.
const marks = 8

// ticks puts marks at times that people use: full minutes, hours, midnights, the
// first of a month.
func (c *chart) ticks(t *document.Timeline, each float64, n int, location *time.Location) {
	span := time.Duration(n) * t.Width
	if span/time.Duration(n) != t.Width {
		return // of a log with stamps from the end of the world
	}
	end := t.Start.Add(span)
	put := func(when time.Time, form string) {
		x := left + float64(when.Sub(t.Start))/float64(t.Width)*each
		if x >= left && x <= chartWidth-24 {
			c.Ticks = append(c.Ticks, tick{unit(x), when.In(location).Format(form)})
		}
	}
	for _, step := range [...]time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
		2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour} {
		if span/step > marks {
			continue
		}
		form := "15:04"
		if step < time.Minute {
			form = "15:04:05"
		}
		// Full hours are counted from the midnight of the place.
		first := t.Start.In(location)
		at := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, location)
		at = at.Add(t.Start.Sub(at) / step * step)
		for ; at.Before(end); at = at.Add(step) {
			put(at, form)
		}
		return
	}
	first := t.Start.In(location)
	for _, step := range [...]struct{ days, months int }{{1, 0}, {2, 0}, {7, 0}, {14, 0}, {0, 1}, {0, 3}, {0, 6}, {0, 12}, {0, 60}, {0, 240}} {
		if span/(24*time.Hour)/time.Duration(step.days+30*step.months) > marks {
			continue
		}
		at, form := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, location), "2 Jan"
		if step.months > 0 {
			at, form = time.Date(first.Year(), 1, 1, 0, 0, 0, 0, location), "Jan 2006"
		}
		for ; at.Before(end); at = at.AddDate(0, step.months, step.days) {
			put(at, form)
		}
		return
	}
}
