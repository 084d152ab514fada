import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { FetchInstrumentation } from '@opentelemetry/instrumentation-fetch';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { WebTracerProvider } from '@opentelemetry/sdk-trace-web';

export const start = (url) => {
  const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url }), { scheduledDelayMillis: 1_000 });
  const provider = new WebTracerProvider({ spanProcessors: [processor] });
  provider.register();
  registerInstrumentations({ instrumentations: [new FetchInstrumentation()] });
  const tracer = provider.getTracer('form');
  return (call) => tracer.startSpan('STEP_VIEW', { attributes: { path: '/id-front', call } }).end();
};
