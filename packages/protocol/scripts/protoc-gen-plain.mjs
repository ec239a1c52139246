#!/usr/bin/env node
// A protoc plugin: plain TypeScript interfaces for every message, in one file, plain.ts. What protoc-gen-es writes for
// proto2 cannot tell a required field from an optional one; these can, and a field that is not set is undefined. Beside
// it comments.ts, with what the .proto files say about each field, for those who show it to users.
import { createEcmaScriptPlugin, runNodeJs } from '@bufbuild/protoplugin';
import { ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence as Presence } from '@bufbuild/protobuf/wkt';

const SCALARS = { [ScalarType.STRING]: 'string', [ScalarType.BYTES]: 'Uint8Array', [ScalarType.BOOL]: 'boolean',
  [ScalarType.UINT32]: 'number', [ScalarType.INT32]: 'number', [ScalarType.UINT64]: 'bigint' };

/** The type of a field's value (of one element, when it is a list), as parts to print. */
function valueType(f, field) {
  const scalar = field.scalar;
  if (scalar !== undefined) {
    const type = SCALARS[scalar];
    if (type === undefined) throw new Error(`${field}: scalar type ${ScalarType[scalar]} is not used by this protocol`);
    return [type];
  }
  return field.enum === undefined ? [field.message.name] : [f.importShape(field.enum)];
}

/** What a .proto file says about a field or message, without the line that only repeats the declaration. */
function commentText(f, desc) {
  return f.jsDoc(desc).text.replace(/\n*@generated from .*$/, '');
}

function comment(f, desc, indentation) {
  const text = commentText(f, desc);
  return text === '' ? [] : [{ ...f.jsDoc(desc, indentation), text }, '\n'];
}

function writeMessage(f, message) {
  f.print(comment(f, message), 'export interface ', message.name, message.fields.length === 0 ? ' {}' : ' {');
  for (const field of message.fields) {
    const doc = comment(f, field, '  ');
    if (field.fieldKind === 'list') f.print(doc, '  ', field.localName, ': ', valueType(f, field), '[];');
    else if (field.presence === Presence.LEGACY_REQUIRED) f.print(doc, '  ', field.localName, ': ', valueType(f, field), ';');
    else f.print(doc, '  ', field.localName, '?: ', valueType(f, field), ' | undefined;');
  }
  if (message.fields.length > 0) f.print('}');
  f.print();
}

function writeComments(f, messages) {
  f.print('// Written by scripts/protoc-gen-plain.mjs from proto/*.proto: do not edit, run `npm run gen -w warden-protocol`.');
  f.print();
  f.print("/** From a field's full name (warden.CreateRequest.handle) to what its .proto file says about it. */");
  f.print('export const fieldComments: ReadonlyMap<string, string> = new Map([');
  for (const message of messages) {
    for (const field of message.fields) {
      const text = commentText(f, field);
      if (text !== '') f.print('  [', JSON.stringify(`${message.typeName}.${field.name}`), ', ', JSON.stringify(text), '],');
    }
  }
  f.print(']);');
}

function* withNested(messages) {
  for (const message of messages) {
    yield* withNested(message.nestedMessages);
    yield message;
  }
}

runNodeJs(createEcmaScriptPlugin({
  name: 'protoc-gen-plain',
  version: '1',
  generateTs(schema) {
    const f = schema.generateFile('plain.ts');
    f.print('// Written by scripts/protoc-gen-plain.mjs from proto/*.proto: do not edit, run `npm run gen -w warden-protocol`.');
    f.print();
    const messages = schema.files.flatMap((file) => [...withNested(file.messages)]);
    const names = messages.map((message) => message.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new Error(`two messages are called ${twice}: their interfaces would have one name`);
    for (const message of messages) writeMessage(f, message);
    f.print("/** From a message's full name to its interface. */");
    f.print('export interface PlainTypes {');
    for (const message of messages) f.print('  "', message.typeName, '": ', message.name, ';');
    f.print('}');
    writeComments(schema.generateFile('comments.ts'), messages);
  },
}));
