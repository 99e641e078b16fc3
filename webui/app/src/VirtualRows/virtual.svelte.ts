import type { Attachment } from 'svelte/attachments';
import { whenPainted } from '../live/painted';
import { spanInView, type Span } from './span';

/** How much of the window's height such an element has, about. */
const usualShare = 0.6;

/**
 * The rows in view of a scrolling element that holds a head, which sticks to its top, and below
 * it rows of one height. CSS gives both heights, in pixels: --head-height and --row-height.
 */
export class VirtualRows {
  element = $state.raw<HTMLElement>();
  /** Pixels; a guess until the element has been laid out, as the height of the view is. */
  rowHeight = $state(matchMedia('(pointer: coarse)').matches ? 36 : 28);
  #headHeight = 32;
  #slots = 1;
  #scrolled = $state(0);
  #height = $state(innerHeight * usualShare);
  #measured = false;
  // What is out of view need not be there when the page is painted first.
  #margin = $state(false);

  constructor() {
    whenPainted(() => (this.#margin = true));
  }

  /**
   * For {@attach}: makes an element the one that scrolls. It is measured when it has been laid out to be
   * painted, and before it is: to measure it here would lay out the page as it is now, and then again.
   */
  attach: Attachment<HTMLElement> = (element) => {
    this.element = element;
    this.#measured = false;
    const measure = () => this.#measure(element);
    const scroll = () => {
      this.#scrolled = element.scrollTop;
    };
    const resize = new ResizeObserver(measure);
    resize.observe(element);
    const touch = matchMedia('(pointer: coarse)');
    touch.addEventListener('change', measure);
    element.addEventListener('scroll', scroll, { passive: true });
    return () => {
      resize.disconnect();
      touch.removeEventListener('change', measure);
      element.removeEventListener('scroll', scroll);
      this.element = undefined;
    };
  };

  #measure(element: HTMLElement): void {
    this.#measured = true;
    const style = getComputedStyle(element);
    this.rowHeight = parseFloat(style.getPropertyValue('--row-height')) || 28;
    this.#headHeight = parseFloat(style.getPropertyValue('--head-height')) || 32;
    this.#height = element.clientHeight;
  }

  /**
   * A key for the row at an index, by which the element that a row leaves at one edge is used for
   * the row that comes in at the other.
   */
  slot(index: number, span: Span): number {
    this.#slots = Math.max(this.#slots, span.end - span.first);
    return index % this.#slots;
  }

  /** The rows to draw of so many; follows scrolling where it is called from what is derived. */
  span(count: number): Span {
    return spanInView(count, this.rowHeight, this.#scrolled, this.#height, this.#margin);
  }

  /** Whether nothing is scrolled, as far as was heard: to ask the element can lay out the page. */
  get atTop(): boolean {
    return this.#scrolled === 0;
  }

  get scrolled(): number {
    return this.element?.scrollTop ?? 0;
  }

  /** Scrolls at once, without a frame in which the rows are those of the old place. */
  scrollTo(pixels: number): void {
    if (!this.element) return;
    this.element.scrollTop = pixels;
    this.#scrolled = this.element.scrollTop;
  }

  /** How many rows fit into the view; at least one. */
  get page(): number {
    return Math.max(1, Math.floor((this.#height - this.#headHeight) / this.rowHeight));
  }

  /** Scrolls as little as brings a row into view. */
  reveal(index: number): void {
    if (!this.element || index < 0) return;
    if (!this.#measured) this.#measure(this.element);
    const top = index * this.rowHeight;
    const bottom = top + this.rowHeight;
    const view = this.element.clientHeight - this.#headHeight;
    if (top < this.scrolled) this.scrollTo(top);
    else if (bottom > this.scrolled + view) this.scrollTo(bottom - view);
  }
}
