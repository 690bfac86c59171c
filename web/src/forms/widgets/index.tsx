// Which component shows which widget. A field whose widget is not here fails `every-node.test.ts`.
import type { ReactNode } from "react";
import type { WidgetProps } from "../parts";
import type { JsonSchema } from "../schema";
import { CodeWidget } from "./CodeWidget";
import { CredentialWidget, CronWidget, SymbolWidget } from "./choosing";
import { AnyWidget, KeyValueWidget, ValuesWidget } from "./collections";
import { ListWidget } from "./ListWidget";
import { DurationWidget, SliderWidget } from "./measures";
import { NumberWidget, SelectWidget, TextWidget, ToggleWidget } from "./plain";

/** `around` are the values of the form the field stands in, `root` the schema its references lead into. */
export type WidgetPlace = WidgetProps & { around: Record<string, unknown>; root: JsonSchema };

const isList = ({ field: { schema } }: WidgetPlace) =>
  schema.type === "array" || (schema.anyOf ?? []).some((part) => part.type === "array");
/** A field that takes a list or one value shows as what it holds. */
const showsList = (props: WidgetPlace) =>
  isList(props) && (props.field.schema.type === "array" || Array.isArray(props.value));

export const WIDGETS: Record<string, (props: WidgetPlace) => ReactNode> = {
  number: (props) => <NumberWidget {...props} />,
  text: (props) => (isList(props) ? <ValuesWidget {...props} /> : <TextWidget {...props} />),
  select: (props) => <SelectWidget {...props} />,
  toggle: (props) => <ToggleWidget {...props} />,
  slider: (props) => <SliderWidget {...props} />,
  duration: (props) => <DurationWidget {...props} />,
  symbol: (props) => <SymbolWidget {...props} />,
  cron: (props) => <CronWidget {...props} />,
  credential: (props) => <CredentialWidget {...props} />,
  "key-value": (props) => <KeyValueWidget {...props} />,
  list: (props) => <ListWidget {...props} />,
  code: (props) => <CodeWidget {...props} />,
  expression: (props) => (showsList(props) ? <ValuesWidget {...props} /> : <AnyWidget {...props} />),
};
