/** An element of an XML document, as far as WebDAV needs it: text is left out. */
export type XmlElement = {
  /** "" for none. */
  readonly namespace: string;
  /** Without its prefix. */
  readonly name: string;
  readonly children: readonly XmlElement[];
};
