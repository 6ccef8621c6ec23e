package kernel

import "github.com/carat-llm/carat/gguf"

// blockKeys is the number of positions whose keys, and whose values, lie together in a cache.
const blockKeys = 64

// Cache holds the keys and values of one layer, in blocks of 64 positions for each key-value head: keys transposed, so
// that a vector has one element of many keys, and values row by row. A layer with a sliding window keeps all positions too.
//
// A cache of another type than F32 is one of F32 whose elements were rounded to what the type can hold.
type Cache struct {
	heads, blocks int
	dim, valueDim int // elements of a key and of a value
	stride        int // elements of a row of values: valueDim, padded to whole vectors
	bytes         int64
	store         store
}

// store is the memory of a cache. Blocks are numbered through all heads.
type store interface {
	// put stores the key and the value at a position of a block.
	put(s *Scratch, block, pos int, k, v []float32)
	// block returns a block's keys, dim x 64, and its values, 64 x stride, where rows are padded with zeros. They may be in
	// room, which has as many elements.
	block(room []float32, block int) (keys, values []float32)
	// copy copies n blocks of another store of this kind and shape, from one on.
	copy(from store, block, n int)
}

// cacheFormat is how caches of one type are stored.
type cacheFormat struct {
	vector int // rows of values have a multiple of so many elements
	// bytes is the memory of a position of one head: a key of dim elements and a row of stride.
	bytes func(dim, stride int) int
	store func(blocks, dim, stride int) store
}

var cacheFormats = map[gguf.Type]cacheFormat{
	gguf.F32:  {16, func(dim, stride int) int { return 4 * (dim + stride) }, newStoreF32},
	gguf.F16:  {16, func(dim, stride int) int { return 2 * (dim + stride) }, newStoreF16},
	gguf.Q8_0: {32, func(dim, stride int) int { return dim + q8Blocks(dim)*2 + stride/32*34 }, newStoreQ8},
}

// CacheTypes are the types that caches may have.
var CacheTypes = []gguf.Type{gguf.F32, gguf.F16, gguf.Q8_0}

// NewCache returns an empty cache of positions keys of keyDim elements and values of valueDim for each of heads. Their memory
// is rounded up to whole blocks of 64 positions. t is one of CacheTypes.
func NewCache(heads, keyDim, valueDim, positions int, t gguf.Type) *Cache {
	f := cacheFormats[t]
	c := &Cache{heads: heads, dim: keyDim, valueDim: valueDim, blocks: (positions + blockKeys - 1) / blockKeys, stride: f.stride(valueDim)}
	c.bytes = int64(CacheBytes(heads, keyDim, valueDim, t)) * int64(c.blocks*blockKeys)
	c.store = f.store(heads*c.blocks, keyDim, c.stride)
	return c
}

func (f cacheFormat) stride(dim int) int { return (dim + f.vector - 1) / f.vector * f.vector }

// CacheBytes is the memory of a position of a cache.
func CacheBytes(heads, keyDim, valueDim int, t gguf.Type) int {
	f := cacheFormats[t]
	return heads * f.bytes(keyDim, f.stride(valueDim))
}

// Bytes is the memory of the cache.
func (c *Cache) Bytes() int64 { return c.bytes }

// Put stores key and value of one position: k and v hold all heads one behind the other. It takes some of the scratch.
func (c *Cache) Put(s *Scratch, pos int, k, v []float32) {
	for h := range c.heads {
		c.store.put(s, h*c.blocks+pos/blockKeys, pos%blockKeys, k[h*c.dim:(h+1)*c.dim], v[h*c.valueDim:(h+1)*c.valueDim])
	}
}

// CopyFrom copies the keys and values of the first positions of another cache of this shape.
func (c *Cache) CopyFrom(from *Cache, positions int) {
	for h := range c.heads {
		c.store.copy(from.store, h*c.blocks, (positions+blockKeys-1)/blockKeys)
	}
}

// copyBlocks copies n blocks of size elements.
func copyBlocks[T any](dst, src []T, block, n, size int) {
	copy(dst[block*size:][:n*size], src[block*size:])
}

// room is the number of elements of a block.
func (c *Cache) room() int { return blockKeys * (c.dim + c.stride) }

// zeros returns n zeros that begin at a cache line.
func zeros[T float32 | int8 | byte](n int) []T {
	var s Scratch
	return take[T](&s, n)
}
