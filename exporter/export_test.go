package exporter

import "context"

// Collect makes one collection and looks at nothing of it.
func Collect(ctx context.Context, e *Exporter) error {
	c, err := e.collector.collect(ctx)
	if err == nil {
		c.release()
	}
	return err
}
