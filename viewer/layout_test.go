package viewer

import "testing"

func TestLayoutAtEverySize(t *testing.T) {
	for w := range 240 {
		for h := range 70 {
			for _, want := range []wish{{focus: ladderPane}, {focus: ladderPane, list: shown}, {focus: detailPane, zoom: true}, {focus: ladderPane, split: 60}, {focus: ladderPane, split: -60, list: shown}} {
				p := layout(w, h, want)
				all := []rect{p.bar, p.hints, p.panes[0], p.panes[1], p.panes[2], p.divider[0], p.divider[1]}
				cells := 0
				for i, r := range all {
					if r.w < 0 || r.h < 0 || r.x < 0 || r.y < 0 || r.x+r.w > w || r.y+r.h > h {
						t.Fatalf("%dx%d %+v: part %d is %+v", w, h, want, i, r)
					}
					cells += r.w * r.h
					for _, o := range all[:i] {
						if r.w*r.h*o.w*o.h > 0 && r.x < o.x+o.w && o.x < r.x+r.w && r.y < o.y+o.h && o.y < r.y+r.h {
							t.Fatalf("%dx%d %+v: %+v and %+v overlap", w, h, want, r, o)
						}
					}
				}
				if cells != w*h {
					t.Fatalf("%dx%d %+v: %d of %d cells are used", w, h, want, cells, w*h)
				}
			}
		}
	}
}

func TestLayoutOfUsualSizes(t *testing.T) {
	small := layout(80, 24, wish{focus: ladderPane})
	if small.panes[listPane].w != 0 || small.panes[ladderPane].w != 80 || small.panes[ladderPane].h < 12 {
		t.Errorf("80x24: %+v", small.panes)
	}
	large := layout(200, 50, wish{focus: ladderPane})
	if large.panes[listPane].w == 0 || large.panes[ladderPane].h != 48 || large.panes[detailPane].h != 48 {
		t.Errorf("200x50: %+v", large.panes)
	}
}
