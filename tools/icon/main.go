// Icon draws procmon's icon, the one of the web pages (webui/app/public/favicon.svg), as an
// .ico file with the sizes that Windows shows.
//
//	go run ./icon ../deploy/windows/procmon.ico
package main

import (
	"fmt"
	"image"
	"image/color"
	"os"

	"github.com/tc-hib/winres"
)

// sizes are pixels: of lists, of lists on dense screens, of the desktop, and of large tiles.
var sizes = []int{16, 24, 32, 48, 256}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: icon FILE.ico")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "icon:", err)
		os.Exit(1)
	}
}

func write(path string) error {
	var images []image.Image
	for _, size := range sizes {
		images = append(images, draw(size))
	}
	icon, err := winres.NewIconFromImages(images)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := icon.SaveICO(f); err != nil {
		return err
	}
	return f.Close()
}

// A box has round corners. Coordinates are those of the SVG, 0 to 16, y down.
type box struct{ x, y, width, height, radius float64 }

func (b box) has(x, y float64) bool {
	x, y = x-b.x, y-b.y
	if x < 0 || y < 0 || x > b.width || y > b.height {
		return false
	}
	dx := max(b.radius-x, x-(b.width-b.radius), 0)
	dy := max(b.radius-y, y-(b.height-b.radius), 0)
	return dx*dx+dy*dy <= b.radius*b.radius
}

// shapes lie one on another, the last on top.
var shapes = []struct {
	box
	color.NRGBA
}{
	{box{0, 0, 16, 16, 3.5}, color.NRGBA{0x24, 0x57, 0xc5, 0xff}},
	{box{3.25, 3.5, 1.5, 9, 0}, color.NRGBA{0xff, 0xff, 0xff, 0xff}}, // the parent's line
	{box{4, 5.5, 3.25, 1.5, 0}, color.NRGBA{0xff, 0xff, 0xff, 0xff}}, // to the first child
	{box{4, 11, 3.25, 1.5, 0}, color.NRGBA{0xff, 0xff, 0xff, 0xff}},  // to the second
	{box{7.75, 4.75, 5, 3, 1}, color.NRGBA{0xff, 0xff, 0xff, 0xff}},  // the first child
	{box{7.75, 10.25, 5, 3, 1}, color.NRGBA{0xc8, 0xd5, 0xf1, 0xff}}, // the second, paler
}

// draw averages 8 times 8 points a pixel, so that edges are smooth.
func draw(size int) image.Image {
	const points = 8
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for py := range size {
		for px := range size {
			var red, green, blue, covered int
			for i := range points * points {
				x := (float64(px) + (float64(i%points)+0.5)/points) * 16 / float64(size)
				y := (float64(py) + (float64(i/points)+0.5)/points) * 16 / float64(size)
				for s := len(shapes) - 1; s >= 0; s-- {
					if c := shapes[s].NRGBA; shapes[s].has(x, y) {
						red, green, blue, covered = red+int(c.R), green+int(c.G), blue+int(c.B), covered+1
						break
					}
				}
			}
			if covered > 0 {
				img.SetNRGBA(px, py, color.NRGBA{uint8(red / covered), uint8(green / covered), uint8(blue / covered), uint8(255 * covered / (points * points))})
			}
		}
	}
	return img
}
