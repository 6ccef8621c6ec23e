package kernel

// Cache holds the keys and values of one layer, float32 (twice the memory of the reference's half
// precision, and exact): for each key-value head, Positions rows padded to whole vectors. A layer with
// a sliding window keeps all positions too.
type Cache struct {
	heads, dim, stride, positions int
	keys, values                  []float32
}

// NewCache returns an empty cache of positions rows for each of heads vectors of dim elements.
func NewCache(heads, dim, positions int) *Cache {
	rows := (positions + 3) &^ 3 // the kernels read four keys at a time
	stride := pad8(dim)
	return &Cache{heads: heads, dim: dim, stride: stride, positions: rows,
		keys: make([]float32, heads*rows*stride), values: make([]float32, heads*rows*stride)}
}

// Bytes is the memory of the cache.
func (c *Cache) Bytes() int64 { return 4 * int64(len(c.keys)+len(c.values)) }

// Put stores key and value of one position: k and v hold all heads one behind the other.
func (c *Cache) Put(pos int, k, v []float32) {
	for h := range c.heads {
		at := (h*c.positions + pos) * c.stride
		copy(c.keys[at:], k[h*c.dim:(h+1)*c.dim])
		copy(c.values[at:], v[h*c.dim:(h+1)*c.dim])
	}
}

// Attention describes causal attention of grouped queries.
type Attention struct {
	// Heads is the number of query heads, a multiple of the cache's heads.
	Heads int
	// Scale multiplies the products of queries and keys.
	Scale float32
	// Window is the number of positions that a query sees, its own among them; 0 means all.
	Window int
}

// queryTile is the number of queries of a head that make one chunk of work.
const queryTile = 16

// Attend computes the attention of n queries at the positions first, first+1, ... over the keys and
// values of the cache, which holds all of these positions. q and dst: n rows of Heads x dim.
func (p *Pool) Attend(dst, q []float32, n, first int, c *Cache, a Attention) {
	tiles := (n + queryTile - 1) / queryTile
	group, kernels := a.Heads/c.heads, active()
	p.Run(tiles*a.Heads, func(s *Scratch, chunk int) {
		// Long rows first, so that the workers end together.
		head, tile := chunk%a.Heads, tiles-1-chunk/a.Heads
		buf := s.Floats(2*c.stride + c.positions)
		query, out, scores := buf[:c.stride], buf[c.stride:2*c.stride], buf[2*c.stride:]
		base := head / group * c.positions * c.stride
		keys, values := c.keys[base:][:c.positions*c.stride], c.values[base:][:c.positions*c.stride]
		for i := tile * queryTile; i < min(n, (tile+1)*queryTile); i++ {
			at := (i*a.Heads + head) * c.dim
			clear(query[copy(query, q[at:at+c.dim]):])
			Scale(query, a.Scale)
			end := first + i + 1
			start := 0
			if a.Window > 0 {
				start = max(0, end-a.Window)
			}
			for r := start &^ 3; r < end; r += 4 {
				sums := (*[4]float32)(scores[r:])
				*sums = [4]float32{}
				kernels.dot4(sums, keys[r*c.stride:], c.stride, query, c.stride)
			}
			Softmax(scores[start:end])
			kernels.weightedSum(out, scores[start:end], values[start*c.stride:], c.stride)
			copy(dst[at:at+c.dim], out)
		}
	})
}

// pad8 rounds n up to whole vectors of eight.
func pad8(n int) int { return (n + 7) &^ 7 }
