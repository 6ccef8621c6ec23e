package kernel

import "github.com/carat-llm/carat/gguf"

// blockKeys is the number of positions whose keys, and whose values, lie together in a cache.
const blockKeys = 64

// Cache holds the keys and values of one layer, in blocks of 64 positions for each key-value head: keys transposed, so
// that a vector has one element of many keys, and values row by row. A layer with a sliding window keeps all positions too.
type Cache struct {
	heads, dim, blocks int
	stride             int // elements of a row of values: dim, padded to whole vectors
	store              store
}

// store is the memory of a cache, in the format of one type. Blocks are numbered through all heads.
type store interface {
	// put stores the key and the value at a position of a block.
	put(block, pos int, k, v []float32)
	// block returns a block's keys, dim x 64, and its values, 64 x stride, where rows are padded with zeros. They may be in
	// room, which has as many elements.
	block(room []float32, block int) (keys, values []float32)
	bytes() int64
}

// CacheTypes are the types that caches may have. A number takes 4 bytes in F32, 2 in F16, and in Q8_0 34 bytes for each 32
// of a head.
var CacheTypes = []gguf.Type{gguf.F32}

// NewCache returns an empty cache of positions keys and values for each of heads, dim elements long. Their memory is
// rounded up to whole blocks of 64 positions. It panics when t is not one of CacheTypes.
func NewCache(heads, dim, positions int, t gguf.Type) *Cache {
	c := &Cache{heads: heads, dim: dim, blocks: (positions + blockKeys - 1) / blockKeys, stride: pad16(dim)}
	switch n := heads * c.blocks; t {
	case gguf.F32:
		c.store = newStoreF32(n, c.dim, c.stride)
	default:
		panic("kernel: there is no cache of type " + t.String())
	}
	return c
}

// Bytes is the memory of the cache.
func (c *Cache) Bytes() int64 { return c.store.bytes() }

// Put stores key and value of one position: k and v hold all heads one behind the other.
func (c *Cache) Put(pos int, k, v []float32) {
	for h := range c.heads {
		c.store.put(h*c.blocks+pos/blockKeys, pos%blockKeys, k[h*c.dim:(h+1)*c.dim], v[h*c.dim:(h+1)*c.dim])
	}
}

// room is the number of elements of a block.
func (c *Cache) room() int { return blockKeys * (c.dim + c.stride) }
