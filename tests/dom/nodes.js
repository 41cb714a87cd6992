// The open document as a list, in document order: depth, kind, namespace, name, attributes, data.
//
// What a form's field is called may hide a property of the form, so everything is asked of the
// prototypes. Neighbouring texts are one: Chromium cuts them where it likes.
const of = (proto, name) => {
  const { get } = Object.getOwnPropertyDescriptor(proto, name);
  return (node) => get.call(node);
};
const children = of(Node.prototype, 'childNodes');
const kind = of(Node.prototype, 'nodeType');
const value = of(Node.prototype, 'nodeValue');
const nodeName = of(Node.prototype, 'nodeName');
const namespace = of(Element.prototype, 'namespaceURI');
const localName = of(Element.prototype, 'localName');
const attributesOf = of(Element.prototype, 'attributes');
const content = of(HTMLTemplateElement.prototype, 'content');
const frame = of(HTMLIFrameElement.prototype, 'contentDocument');
const body = of(Document.prototype, 'body');
const page = window.document;
const HTML = 'http://www.w3.org/1999/xhtml';
const parse = (markup) => new DOMParser().parseFromString(markup, 'text/html');
const list = [];

const put = (depth, kind, name, data = '', namespace = '', attributes = {}) =>
  list.push([depth, kind, namespace, name, attributes, data]);

const text = (depth, data) => {
  const last = list.at(-1);
  if (last && last[0] === depth && last[1] === 'text') last[5] += data;
  else put(depth, 'text', '#text', data);
};

// `raw`: whether this document was read with scripts on, so that a noscript holds text.
const element = (node, depth, raw) => {
  const space = namespace(node) ?? '';
  const name = localName(node);
  const attributes = {};
  for (const { name, value } of attributesOf(node)) attributes[name] = value;
  const isFrame = space === HTML && name === 'iframe' && 'srcdoc' in attributes;
  const srcdoc = attributes.srcdoc;
  if (isFrame) attributes.srcdoc = ''; // It has a row of its own.
  put(depth, 'element', name, '', space, attributes);
  if (isFrame) {
    // In a template, and where the frame is sandboxed, there is no document to look into.
    const live = frame(node);
    const inner = live?.URL === 'about:srcdoc' ? live : null;
    put(depth + 1, 'markup', '#srcdoc', srcdoc);
    below(inner ?? parse(srcdoc), depth + 2, raw && inner !== null);
  }
  if (space === HTML && name === 'noscript' && raw) {
    const held = [...children(node)];
    if (!held.every((child) => kind(child) === 3)) throw new Error('a noscript holds markup');
    const markup = held.map(value).join('');
    put(depth + 1, 'markup', '#noscript', markup);
    // As in a body, where white space counts.
    for (const child of children(body(parse('<!DOCTYPE html><body>' + markup))))
      visit(child, depth + 2, false);
    return;
  }
  if (space === HTML && name === 'template') {
    put(depth + 1, 'markup', '#content');
    below(content(node), depth + 2, raw);
  }
  below(node, depth + 1, raw);
};

const visit = (node, depth, raw) => {
  switch (kind(node)) {
    case 1: return element(node, depth, raw);
    case 3: return text(depth, value(node));
    case 7: return put(depth, 'instruction', nodeName(node), value(node));
    case 8: return put(depth, 'comment', '#comment', value(node));
    case 10: return put(depth, 'doctype', node.name, JSON.stringify([node.publicId, node.systemId]));
    default: throw new Error(`a node of another kind: ${nodeName(node)}`);
  }
};

const below = (parent, depth, raw) => {
  for (const child of children(parent)) visit(child, depth, raw);
};

put(0, 'document', of(Document.prototype, 'compatMode')(page), of(Document.prototype, 'characterSet')(page));
below(page, 1, SCRIPTING);
return JSON.stringify(list);
