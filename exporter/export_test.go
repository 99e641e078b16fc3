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

// AppendSnapshot makes a snapshot for pushing.
func AppendSnapshot(ctx context.Context, e *Exporter) ([]byte, error) {
	return e.appendSnapshot(ctx, nil)
}

// Taken says that the last of them will be delivered.
func Taken(e *Exporter) { e.cursors.taken() }
