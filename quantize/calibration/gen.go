//go:build ignore

// gen writes the texts that a program can make as well as a person: arithmetic with its steps, tables, records and logs.
package main

import (
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strings"
)

var r = rand.New(rand.NewPCG(13, 5))

func main() {
	for _, f := range []struct {
		name  string
		piece func() string
		n     int
	}{
		{"arithmetic", arithmetic, 110}, {"equations", equation, 60},
		{"tables", table, 14}, {"records", record, 22}, {"logs", logLines, 9},
	} {
		var b strings.Builder
		for range f.n {
			b.WriteString(f.piece())
			b.WriteString("\n")
		}
		if err := os.WriteFile("texts/numbers/"+f.name+".txt", []byte(b.String()), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

func pick[T any](list ...T) T { return list[r.IntN(len(list))] }

// between is a number from low to high.
func between(low, high int) int { return low + r.IntN(high-low+1) }

func arithmetic() string {
	a, b := between(12, 999), between(12, 99)
	switch r.IntN(4) {
	case 0:
		return fmt.Sprintf("%d + %d = %d\n%d + %d = %d\n", a, b, a+b, a+b, a, 2*a+b)
	case 1:
		return fmt.Sprintf("What is %d × %d? %d × %d = %d and %d × %d = %d; together that is %d.\n", a, b, a, b/10*10, a*(b/10*10), a, b%10, a*(b%10), a*b)
	case 2:
		return fmt.Sprintf("%d ÷ %d = %d remainder %d, because %d × %d = %d and %d − %d = %d.\n", a*10, b, a*10/b, a*10%b, a*10/b, b, a*10/b*b, a*10, a*10/b*b, a*10%b)
	default:
		p := pick(5, 10, 12, 15, 20, 25, 40)
		return fmt.Sprintf("%d %% of %d is %.2f; the rest is %.2f.\n", p, a, float64(p*a)/100, float64((100-p)*a)/100)
	}
}

func equation() string {
	x, a, b := between(-12, 12), between(2, 15), between(-40, 40)
	y := between(-9, 9)
	if r.IntN(2) == 0 {
		return fmt.Sprintf("Solve %dx %+d = %d. Subtract %d on both sides: %dx = %d. Divide by %d: x = %d.\n", a, b, a*x+b, b, a, a*x, a, x)
	}
	return fmt.Sprintf("$$x + y = %d, \\qquad %dx - y = %d$$\nAdding both gives $%dx = %d$, so $x = %d$ and $y = %d$.\n", x+y, a, a*x-y, a+1, (a+1)*x, x, y)
}

var (
	first  = []string{"Amina", "Bruno", "Chiara", "Dmitri", "Elif", "Fatou", "Goran", "Hana", "Ivo", "Jin", "Kavya", "Lars", "Mei", "Noah", "Olga", "Paulo", "Quentin", "Rosa", "Sven", "Tariq"}
	last   = []string{"Abe", "Bauer", "Costa", "Diallo", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanov", "Jansen", "Kim", "Lopez", "Moreau", "Nguyen", "Okoye", "Patel"}
	cities = []string{"Accra", "Bergen", "Córdoba", "Dakar", "Esbjerg", "Fukuoka", "Gdańsk", "Hanoi", "İzmir", "Jaipur", "Köln", "Lille", "Montevideo", "Nairobi", "Oulu", "Porto"}
	goods  = []string{"lamp", "chair", "teapot", "kite", "rucksack", "notebook", "hammer", "umbrella", "scarf", "bicycle bell", "garden hose", "water bottle"}
)

func date() string {
	return fmt.Sprintf("20%02d-%02d-%02d", between(18, 25), between(1, 12), between(1, 28))
}

func table() string {
	var b strings.Builder
	if r.IntN(2) == 0 {
		b.WriteString("| Name | City | Since | Hours | Rate | Total |\n|---|---|---|---:|---:|---:|\n")
		sum := 0.0
		for range between(6, 10) {
			h, rate := between(4, 60), float64(between(1800, 9500))/100
			sum += float64(h) * rate
			fmt.Fprintf(&b, "| %s %s | %s | %s | %d | %.2f | %.2f |\n", pick(first...), pick(last...), pick(cities...), date(), h, rate, float64(h)*rate)
		}
		fmt.Fprintf(&b, "| **Sum** | | | | | **%.2f** |\n", sum)
		return b.String()
	}
	b.WriteString("id;date;item;quantity;price;city\n")
	for i := range between(8, 14) {
		fmt.Fprintf(&b, "%d;%s;%s;%d;%.2f;%s\n", 1000+i*between(1, 3), date(), pick(goods...), between(1, 24), float64(between(99, 19999))/100, pick(cities...))
	}
	return b.String()
}

func record() string {
	name, family := pick(first...), pick(last...)
	switch r.IntN(3) {
	case 0:
		var items []string
		for range between(1, 4) {
			items = append(items, fmt.Sprintf("    {\"sku\": \"%c%c-%04d\", \"name\": %q, \"quantity\": %d, \"price\": %.2f}", 'A'+r.IntN(26), 'A'+r.IntN(26), r.IntN(10000), pick(goods...), between(1, 9), float64(between(100, 20000))/100))
		}
		return fmt.Sprintf("{\n  \"id\": %d,\n  \"customer\": {\"first\": %q, \"last\": %q, \"city\": %q},\n  \"ordered\": %q,\n  \"paid\": %v,\n  \"items\": [\n%s\n  ]\n}\n",
			between(10000, 99999), name, family, pick(cities...), date(), r.IntN(2) == 0, strings.Join(items, ",\n"))
	case 1:
		return fmt.Sprintf("<person id=\"p%d\">\n  <name>%s %s</name>\n  <born>%s</born>\n  <address country=%q>\n    <city>%s</city>\n    <code>%05d</code>\n  </address>\n  <email>%s.%s@example.org</email>\n</person>\n",
			between(1, 999), name, family, date(), pick("BR", "DE", "GH", "IN", "JP", "TR", "VN"), pick(cities...), r.IntN(100000), strings.ToLower(name), strings.ToLower(family))
	default:
		return fmt.Sprintf("- name: %s %s\n  role: %s\n  city: %s\n  started: %s\n  languages: [%s, %s]\n  manager: %s %s\n", name, family, pick("editor", "nurse", "engineer", "driver", "teacher", "cook"), pick(cities...), date(),
			pick("Hausa", "Hindi", "Italian"), pick("English", "Korean", "Swahili"), pick(first...), pick(last...))
	}
}

func logLines() string {
	var b strings.Builder
	hour, minute, second := r.IntN(24), r.IntN(60), 0
	day := date()
	for range between(12, 18) {
		second += between(0, 5)
		if second > 59 {
			second, minute = 0, (minute+1)%60
		}
		at := fmt.Sprintf("%sT%02d:%02d:%02d.%03dZ", day, hour, minute, second, r.IntN(1000))
		switch r.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "%s INFO  http: GET /api/items/%d 200 %d ms\n", at, r.IntN(9000), between(1, 400))
		case 1:
			fmt.Fprintf(&b, "%s WARN  pool: %d of 20 connections in use, waiting %d ms\n", at, between(15, 20), between(10, 900))
		case 2:
			fmt.Fprintf(&b, "%s ERROR worker[%d]: job %08x failed: %s; attempt %d of 5\n", at, r.IntN(8), r.Uint32(), pick("connection reset by peer", "deadline exceeded", "disk quota exceeded", "unexpected end of file"), between(1, 5))
		default:
			fmt.Fprintf(&b, "%s DEBUG cache: hit=%v key=user:%d ttl=%ds\n", at, r.IntN(3) > 0, r.IntN(100000), between(1, 3600))
		}
	}
	return b.String()
}
