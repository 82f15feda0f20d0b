// Heights of many items and their sums: finding the item at a place and the place of an item both
// take a logarithm of their number (a Fenwick tree). Pure.

export class Heights {
  constructor() {
    this.reset([]);
  }

  reset(values) {
    this.values = values;
    this.tree = new Float64Array(Math.max(16, values.length * 2) + 1);
    this.size = this.tree.length - 1;
    for (let index = 0; index < values.length; index++) this.tree[index + 1] = values[index];
    for (let at = 1; at <= this.size; at++) {
      const up = at + (at & -at);
      if (up <= this.size) this.tree[up] += this.tree[at];
    }
  }

  get length() {
    return this.values.length;
  }

  get total() {
    return this.before(this.values.length);
  }

  push(value) {
    if (this.values.length === this.size) return this.reset([...this.values, value]);
    this.values.push(value);
    this.change(this.values.length - 1, value);
  }

  set(index, value) {
    const by = value - this.values[index];
    if (!by) return 0;
    this.values[index] = value;
    this.change(index, by);
    return by;
  }

  change(index, by) {
    for (let at = index + 1; at <= this.size; at += at & -at) this.tree[at] += by;
  }

  // The sum of the heights of all items before this one: its place.
  before(index) {
    let sum = 0;
    for (let at = index; at > 0; at -= at & -at) sum += this.tree[at];
    return sum;
  }

  // The item at a place; the last one for places behind it.
  at(place) {
    let index = 0;
    let left = place;
    for (let step = 1 << Math.floor(Math.log2(this.size)); step > 0; step >>= 1) {
      const next = index + step;
      if (next <= this.size && this.tree[next] <= left) {
        index = next;
        left -= this.tree[next];
      }
    }
    return Math.max(0, Math.min(index, this.values.length - 1));
  }
}
