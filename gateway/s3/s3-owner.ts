/** Whom everything is said to belong to. */
export const s3Owner = "<Owner><ID>holdfast</ID><DisplayName>holdfast</DisplayName></Owner>";
