package block

// Compress appends data as one zstd frame to dst.
func (z *Compressor) Compress(dst, data []byte) []byte { return z.zw.EncodeAll(data, dst) }

// Decompress appends what is in a zstd frame to dst. It fails if that is larger than a
// section of a block may be.
func (z *Compressor) Decompress(dst, frame []byte) ([]byte, error) { return z.zr.DecodeAll(frame, dst) }
