// What decoding and encoding both ask of the generated descriptors.
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';

/** The name users read: CreateRequest, CreateRequest.BindMount. */
export function shortName(desc: DescMessage): string {
  return desc.typeName.slice(desc.file.proto.package.length + 1);
}

export function isRequired(field: DescField): boolean {
  return field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
}
