import * as $protobuf from "protobufjs";
import Long = require("long");

/** Namespace umbra. */
export namespace umbra {

    /** Namespace v1. */
    namespace v1 {

        /** Represents a Collector */
        class Collector extends $protobuf.rpc.Service {

            /**
             * Constructs a new Collector service.
             * @param rpcImpl RPC implementation
             * @param [requestDelimited=false] Whether requests are length-delimited
             * @param [responseDelimited=false] Whether responses are length-delimited
             */
            constructor(rpcImpl: $protobuf.RPCImpl, requestDelimited?: boolean, responseDelimited?: boolean);

            /**
             * Creates new Collector service using the specified rpc implementation.
             * @param rpcImpl RPC implementation
             * @param [requestDelimited=false] Whether requests are length-delimited
             * @param [responseDelimited=false] Whether responses are length-delimited
             * @returns RPC service. Useful where requests and/or responses are streamed.
             */
            static create(rpcImpl: $protobuf.RPCImpl, requestDelimited?: boolean, responseDelimited?: boolean): Collector;

            /** Calls Session. */
            session: umbra.v1.Collector.Session;

            /** Calls Offer. */
            offer: umbra.v1.Collector.Offer;

            /** Calls Upload. */
            upload: umbra.v1.Collector.Upload;

            /** Calls Submit. */
            submit: umbra.v1.Collector.Submit;

            /** Calls Points. */
            points: umbra.v1.Collector.Points;

            /** Calls OpenPoint. */
            openPoint: umbra.v1.Collector.OpenPoint;

            /** Calls ReadBlocks. */
            readBlocks: umbra.v1.Collector.ReadBlocks;

            /** Calls ReportTrial. */
            reportTrial: umbra.v1.Collector.ReportTrial;
        }

        namespace Collector {

            /**
             * Callback as used by {@link umbra.v1.Collector#session}.
             * @param error Error, if any
             * @param [response] CollectorMessage
             */
            type SessionCallback = (error: (Error|null), response?: umbra.v1.CollectorMessage) => void;

            /** Calls Session. */
            type Session = {
              (request: umbra.v1.IAgentMessage, callback: umbra.v1.Collector.SessionCallback): void;
              (request: umbra.v1.IAgentMessage): Promise<umbra.v1.CollectorMessage>;
              readonly name: "Session";
              readonly path: "/umbra.v1.Collector/Session";
              readonly requestType: "AgentMessage";
              readonly responseType: "CollectorMessage";
              readonly requestStream: true;
              readonly responseStream: true;
            };

            /**
             * Callback as used by {@link umbra.v1.Collector#offer}.
             * @param error Error, if any
             * @param [response] ChunkNeed
             */
            type OfferCallback = (error: (Error|null), response?: umbra.v1.ChunkNeed) => void;

            /** Calls Offer. */
            type Offer = {
              (request: umbra.v1.IChunkOffer, callback: umbra.v1.Collector.OfferCallback): void;
              (request: umbra.v1.IChunkOffer): Promise<umbra.v1.ChunkNeed>;
              readonly name: "Offer";
              readonly path: "/umbra.v1.Collector/Offer";
              readonly requestType: "ChunkOffer";
              readonly responseType: "ChunkNeed";
              readonly requestStream: undefined;
              readonly responseStream: undefined;
            };

            /**
             * Callback as used by {@link umbra.v1.Collector#upload}.
             * @param error Error, if any
             * @param [response] ChunkBatchAck
             */
            type UploadCallback = (error: (Error|null), response?: umbra.v1.ChunkBatchAck) => void;

            /** Calls Upload. */
            type Upload = {
              (request: umbra.v1.IChunkBatch, callback: umbra.v1.Collector.UploadCallback): void;
              (request: umbra.v1.IChunkBatch): Promise<umbra.v1.ChunkBatchAck>;
              readonly name: "Upload";
              readonly path: "/umbra.v1.Collector/Upload";
              readonly requestType: "ChunkBatch";
              readonly responseType: "ChunkBatchAck";
              readonly requestStream: true;
              readonly responseStream: true;
            };

            /**
             * Callback as used by {@link umbra.v1.Collector#submit}.
             * @param error Error, if any
             * @param [response] SubmitResult
             */
            type SubmitCallback = (error: (Error|null), response?: umbra.v1.SubmitResult) => void;

            /** Calls Submit. */
            type Submit = {
              (request: umbra.v1.IChangesetPart, callback: umbra.v1.Collector.SubmitCallback): void;
              (request: umbra.v1.IChangesetPart): Promise<umbra.v1.SubmitResult>;
              readonly name: "Submit";
              readonly path: "/umbra.v1.Collector/Submit";
              readonly requestType: "ChangesetPart";
              readonly responseType: "SubmitResult";
              readonly requestStream: true;
              readonly responseStream: undefined;
            };

            /**
             * Callback as used by {@link umbra.v1.Collector#points}.
             * @param error Error, if any
             * @param [response] PointsPage
             */
            type PointsCallback = (error: (Error|null), response?: umbra.v1.PointsPage) => void;

            /** Calls Points. */
            type Points = {
              (request: umbra.v1.IPointsQuery, callback: umbra.v1.Collector.PointsCallback): void;
              (request: umbra.v1.IPointsQuery): Promise<umbra.v1.PointsPage>;
              readonly name: "Points";
              readonly path: "/umbra.v1.Collector/Points";
              readonly requestType: "PointsQuery";
              readonly responseType: "PointsPage";
              readonly requestStream: undefined;
              readonly responseStream: undefined;
            };

            /**
             * Callback as used by {@link umbra.v1.Collector#openPoint}.
             * @param error Error, if any
             * @param [response] PointContents
             */
            type OpenPointCallback = (error: (Error|null), response?: umbra.v1.PointContents) => void;

            /** Calls OpenPoint. */
            type OpenPoint = {
              (request: umbra.v1.IPointTicket, callback: umbra.v1.Collector.OpenPointCallback): void;
              (request: umbra.v1.IPointTicket): Promise<umbra.v1.PointContents>;
              readonly name: "OpenPoint";
              readonly path: "/umbra.v1.Collector/OpenPoint";
              readonly requestType: "PointTicket";
              readonly responseType: "PointContents";
              readonly requestStream: undefined;
              readonly responseStream: undefined;
            };

            /**
             * Callback as used by {@link umbra.v1.Collector#readBlocks}.
             * @param error Error, if any
             * @param [response] BlocksPart
             */
            type ReadBlocksCallback = (error: (Error|null), response?: umbra.v1.BlocksPart) => void;

            /** Calls ReadBlocks. */
            type ReadBlocks = {
              (request: umbra.v1.IBlocksQuery, callback: umbra.v1.Collector.ReadBlocksCallback): void;
              (request: umbra.v1.IBlocksQuery): Promise<umbra.v1.BlocksPart>;
              readonly name: "ReadBlocks";
              readonly path: "/umbra.v1.Collector/ReadBlocks";
              readonly requestType: "BlocksQuery";
              readonly responseType: "BlocksPart";
              readonly requestStream: undefined;
              readonly responseStream: true;
            };

            /**
             * Callback as used by {@link umbra.v1.Collector#reportTrial}.
             * @param error Error, if any
             * @param [response] TrialReceipt
             */
            type ReportTrialCallback = (error: (Error|null), response?: umbra.v1.TrialReceipt) => void;

            /** Calls ReportTrial. */
            type ReportTrial = {
              (request: umbra.v1.ITrialReport, callback: umbra.v1.Collector.ReportTrialCallback): void;
              (request: umbra.v1.ITrialReport): Promise<umbra.v1.TrialReceipt>;
              readonly name: "ReportTrial";
              readonly path: "/umbra.v1.Collector/ReportTrial";
              readonly requestType: "TrialReport";
              readonly responseType: "TrialReceipt";
              readonly requestStream: undefined;
              readonly responseStream: undefined;
            };
        }

        /**
         * Properties of an AgentMessage.
         * @deprecated Use umbra.v1.AgentMessage.$Properties instead.
         */
        interface IAgentMessage extends umbra.v1.AgentMessage.$Properties {
        }

        /** Represents an AgentMessage. */
        class AgentMessage {

            /**
             * Constructs a new AgentMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.AgentMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** AgentMessage hello. */
            hello?: (umbra.v1.Hello.$Properties|null);

            /** AgentMessage heartbeat. */
            heartbeat?: (umbra.v1.Heartbeat.$Properties|null);

            /** AgentMessage telemetry. */
            telemetry?: (umbra.v1.TelemetryBatch.$Properties|null);

            /** AgentMessage orderResult. */
            orderResult?: (umbra.v1.OrderResult.$Properties|null);

            /** AgentMessage body. */
            body?: ("hello"|"heartbeat"|"telemetry"|"orderResult");

            /**
             * Creates a new AgentMessage instance using the specified properties.
             * @param [properties] Properties to set
             * @returns AgentMessage instance
             */
            static create(properties: umbra.v1.AgentMessage.$Shape): umbra.v1.AgentMessage & umbra.v1.AgentMessage.$Shape;
            static create(properties?: umbra.v1.AgentMessage.$Properties): umbra.v1.AgentMessage;

            /**
             * Encodes the specified AgentMessage message. Does not implicitly {@link umbra.v1.AgentMessage.verify|verify} messages.
             * @param message AgentMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.AgentMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an AgentMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.AgentMessage & umbra.v1.AgentMessage.$Shape} AgentMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.AgentMessage & umbra.v1.AgentMessage.$Shape;

            /**
             * Creates an AgentMessage message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns AgentMessage
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.AgentMessage;

            /**
             * Creates a plain object from an AgentMessage message. Also converts values to other types if specified.
             * @param message AgentMessage
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.AgentMessage, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this AgentMessage to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace AgentMessage {

            /** Properties of an AgentMessage. */
            interface $Properties {

                /** AgentMessage hello */
                hello?: (umbra.v1.Hello.$Properties|null);

                /** AgentMessage heartbeat */
                heartbeat?: (umbra.v1.Heartbeat.$Properties|null);

                /** AgentMessage telemetry */
                telemetry?: (umbra.v1.TelemetryBatch.$Properties|null);

                /** AgentMessage orderResult */
                orderResult?: (umbra.v1.OrderResult.$Properties|null);

                /** AgentMessage body */
                body?: ("hello"|"heartbeat"|"telemetry"|"orderResult");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of an AgentMessage. */
            type $Shape = {
              hello?: umbra.v1.Hello.$Shape|null;
              heartbeat?: umbra.v1.Heartbeat.$Shape|null;
              telemetry?: umbra.v1.TelemetryBatch.$Shape|null;
              orderResult?: umbra.v1.OrderResult.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ body?: undefined; hello?: null; heartbeat?: null; telemetry?: null; orderResult?: null }|{ body?: "hello"; hello: umbra.v1.Hello.$Shape; heartbeat?: null; telemetry?: null; orderResult?: null }|{ body?: "heartbeat"; hello?: null; heartbeat: umbra.v1.Heartbeat.$Shape; telemetry?: null; orderResult?: null }|{ body?: "telemetry"; hello?: null; heartbeat?: null; telemetry: umbra.v1.TelemetryBatch.$Shape; orderResult?: null }|{ body?: "orderResult"; hello?: null; heartbeat?: null; telemetry?: null; orderResult: umbra.v1.OrderResult.$Shape })
            );
        }

        /**
         * Properties of a CollectorMessage.
         * @deprecated Use umbra.v1.CollectorMessage.$Properties instead.
         */
        interface ICollectorMessage extends umbra.v1.CollectorMessage.$Properties {
        }

        /** Represents a CollectorMessage. */
        class CollectorMessage {

            /**
             * Constructs a new CollectorMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.CollectorMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CollectorMessage welcome. */
            welcome?: (umbra.v1.Welcome.$Properties|null);

            /** CollectorMessage order. */
            order?: (umbra.v1.Order.$Properties|null);

            /** CollectorMessage telemetryAck. */
            telemetryAck?: (umbra.v1.TelemetryAck.$Properties|null);

            /** CollectorMessage body. */
            body?: ("welcome"|"order"|"telemetryAck");

            /**
             * Creates a new CollectorMessage instance using the specified properties.
             * @param [properties] Properties to set
             * @returns CollectorMessage instance
             */
            static create(properties: umbra.v1.CollectorMessage.$Shape): umbra.v1.CollectorMessage & umbra.v1.CollectorMessage.$Shape;
            static create(properties?: umbra.v1.CollectorMessage.$Properties): umbra.v1.CollectorMessage;

            /**
             * Encodes the specified CollectorMessage message. Does not implicitly {@link umbra.v1.CollectorMessage.verify|verify} messages.
             * @param message CollectorMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.CollectorMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CollectorMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.CollectorMessage & umbra.v1.CollectorMessage.$Shape} CollectorMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.CollectorMessage & umbra.v1.CollectorMessage.$Shape;

            /**
             * Creates a CollectorMessage message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns CollectorMessage
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.CollectorMessage;

            /**
             * Creates a plain object from a CollectorMessage message. Also converts values to other types if specified.
             * @param message CollectorMessage
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.CollectorMessage, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this CollectorMessage to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace CollectorMessage {

            /** Properties of a CollectorMessage. */
            interface $Properties {

                /** CollectorMessage welcome */
                welcome?: (umbra.v1.Welcome.$Properties|null);

                /** CollectorMessage order */
                order?: (umbra.v1.Order.$Properties|null);

                /** CollectorMessage telemetryAck */
                telemetryAck?: (umbra.v1.TelemetryAck.$Properties|null);

                /** CollectorMessage body */
                body?: ("welcome"|"order"|"telemetryAck");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a CollectorMessage. */
            type $Shape = {
              welcome?: umbra.v1.Welcome.$Shape|null;
              order?: umbra.v1.Order.$Shape|null;
              telemetryAck?: umbra.v1.TelemetryAck.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ body?: undefined; welcome?: null; order?: null; telemetryAck?: null }|{ body?: "welcome"; welcome: umbra.v1.Welcome.$Shape; order?: null; telemetryAck?: null }|{ body?: "order"; welcome?: null; order: umbra.v1.Order.$Shape; telemetryAck?: null }|{ body?: "telemetryAck"; welcome?: null; order?: null; telemetryAck: umbra.v1.TelemetryAck.$Shape })
            );
        }

        /**
         * Properties of a Hello.
         * @deprecated Use umbra.v1.Hello.$Properties instead.
         */
        interface IHello extends umbra.v1.Hello.$Properties {
        }

        /** Represents a Hello. */
        class Hello {

            /**
             * Constructs a new Hello.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Hello.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Hello agentId. */
            agentId: string;

            /** Hello host. */
            host: string;

            /** Hello version. */
            version: string;

            /** Hello protocol. */
            protocol: number;

            /**
             * Creates a new Hello instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Hello instance
             */
            static create(properties: umbra.v1.Hello.$Shape): umbra.v1.Hello & umbra.v1.Hello.$Shape;
            static create(properties?: umbra.v1.Hello.$Properties): umbra.v1.Hello;

            /**
             * Encodes the specified Hello message. Does not implicitly {@link umbra.v1.Hello.verify|verify} messages.
             * @param message Hello message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Hello.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Hello message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Hello & umbra.v1.Hello.$Shape} Hello
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Hello & umbra.v1.Hello.$Shape;

            /**
             * Creates a Hello message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Hello
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Hello;

            /**
             * Creates a plain object from a Hello message. Also converts values to other types if specified.
             * @param message Hello
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Hello, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Hello to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Hello {

            /** Properties of a Hello. */
            interface $Properties {

                /** Hello agentId */
                agentId?: (string|null);

                /** Hello host */
                host?: (string|null);

                /** Hello version */
                version?: (string|null);

                /** Hello protocol */
                protocol?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Hello. */
            type $Shape = umbra.v1.Hello.$Properties;
        }

        /**
         * Properties of a Welcome.
         * @deprecated Use umbra.v1.Welcome.$Properties instead.
         */
        interface IWelcome extends umbra.v1.Welcome.$Properties {
        }

        /** Represents a Welcome. */
        class Welcome {

            /**
             * Constructs a new Welcome.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Welcome.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Welcome collectorId. */
            collectorId: string;

            /** Welcome protocol. */
            protocol: number;

            /** Welcome heartbeatSeconds. */
            heartbeatSeconds: number;

            /** Welcome compressedTelemetry. */
            compressedTelemetry: boolean;

            /**
             * Creates a new Welcome instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Welcome instance
             */
            static create(properties: umbra.v1.Welcome.$Shape): umbra.v1.Welcome & umbra.v1.Welcome.$Shape;
            static create(properties?: umbra.v1.Welcome.$Properties): umbra.v1.Welcome;

            /**
             * Encodes the specified Welcome message. Does not implicitly {@link umbra.v1.Welcome.verify|verify} messages.
             * @param message Welcome message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Welcome.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Welcome message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Welcome & umbra.v1.Welcome.$Shape} Welcome
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Welcome & umbra.v1.Welcome.$Shape;

            /**
             * Creates a Welcome message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Welcome
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Welcome;

            /**
             * Creates a plain object from a Welcome message. Also converts values to other types if specified.
             * @param message Welcome
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Welcome, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Welcome to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Welcome {

            /** Properties of a Welcome. */
            interface $Properties {

                /** Welcome collectorId */
                collectorId?: (string|null);

                /** Welcome protocol */
                protocol?: (number|null);

                /** Welcome heartbeatSeconds */
                heartbeatSeconds?: (number|null);

                /** Welcome compressedTelemetry */
                compressedTelemetry?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Welcome. */
            type $Shape = umbra.v1.Welcome.$Properties;
        }

        /**
         * Properties of a Heartbeat.
         * @deprecated Use umbra.v1.Heartbeat.$Properties instead.
         */
        interface IHeartbeat extends umbra.v1.Heartbeat.$Properties {
        }

        /** Represents a Heartbeat. */
        class Heartbeat {

            /**
             * Constructs a new Heartbeat.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Heartbeat.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Heartbeat timeNs. */
            timeNs: Long;

            /** Heartbeat vms. */
            vms: umbra.v1.VmStatus.$Properties[];

            /** Heartbeat spoolBytes. */
            spoolBytes: Long;

            /** Heartbeat spoolLimitBytes. */
            spoolLimitBytes: Long;

            /** Heartbeat spoolFull. */
            spoolFull: boolean;

            /** Heartbeat rssBytes. */
            rssBytes: Long;

            /** Heartbeat cpuSeconds. */
            cpuSeconds: number;

            /** Heartbeat trials. */
            trials?: (umbra.v1.TrialCapacity.$Properties|null);

            /**
             * Creates a new Heartbeat instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Heartbeat instance
             */
            static create(properties: umbra.v1.Heartbeat.$Shape): umbra.v1.Heartbeat & umbra.v1.Heartbeat.$Shape;
            static create(properties?: umbra.v1.Heartbeat.$Properties): umbra.v1.Heartbeat;

            /**
             * Encodes the specified Heartbeat message. Does not implicitly {@link umbra.v1.Heartbeat.verify|verify} messages.
             * @param message Heartbeat message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Heartbeat.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Heartbeat message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Heartbeat & umbra.v1.Heartbeat.$Shape} Heartbeat
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Heartbeat & umbra.v1.Heartbeat.$Shape;

            /**
             * Creates a Heartbeat message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Heartbeat
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Heartbeat;

            /**
             * Creates a plain object from a Heartbeat message. Also converts values to other types if specified.
             * @param message Heartbeat
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Heartbeat, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Heartbeat to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Heartbeat {

            /** Properties of a Heartbeat. */
            interface $Properties {

                /** Heartbeat timeNs */
                timeNs?: (Long|null);

                /** Heartbeat vms */
                vms?: (umbra.v1.VmStatus.$Properties[]|null);

                /** Heartbeat spoolBytes */
                spoolBytes?: (Long|null);

                /** Heartbeat spoolLimitBytes */
                spoolLimitBytes?: (Long|null);

                /** Heartbeat spoolFull */
                spoolFull?: (boolean|null);

                /** Heartbeat rssBytes */
                rssBytes?: (Long|null);

                /** Heartbeat cpuSeconds */
                cpuSeconds?: (number|null);

                /** Heartbeat trials */
                trials?: (umbra.v1.TrialCapacity.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Heartbeat. */
            type $Shape = umbra.v1.Heartbeat.$Properties;
        }

        /**
         * Properties of a TrialCapacity.
         * @deprecated Use umbra.v1.TrialCapacity.$Properties instead.
         */
        interface ITrialCapacity extends umbra.v1.TrialCapacity.$Properties {
        }

        /** Represents a TrialCapacity. */
        class TrialCapacity {

            /**
             * Constructs a new TrialCapacity.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.TrialCapacity.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TrialCapacity slots. */
            slots: number;

            /** TrialCapacity usedSlots. */
            usedSlots: number;

            /** TrialCapacity memoryBytes. */
            memoryBytes: Long;

            /** TrialCapacity reservedBytes. */
            reservedBytes: Long;

            /**
             * Creates a new TrialCapacity instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TrialCapacity instance
             */
            static create(properties: umbra.v1.TrialCapacity.$Shape): umbra.v1.TrialCapacity & umbra.v1.TrialCapacity.$Shape;
            static create(properties?: umbra.v1.TrialCapacity.$Properties): umbra.v1.TrialCapacity;

            /**
             * Encodes the specified TrialCapacity message. Does not implicitly {@link umbra.v1.TrialCapacity.verify|verify} messages.
             * @param message TrialCapacity message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.TrialCapacity.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TrialCapacity message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.TrialCapacity & umbra.v1.TrialCapacity.$Shape} TrialCapacity
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.TrialCapacity & umbra.v1.TrialCapacity.$Shape;

            /**
             * Creates a TrialCapacity message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns TrialCapacity
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.TrialCapacity;

            /**
             * Creates a plain object from a TrialCapacity message. Also converts values to other types if specified.
             * @param message TrialCapacity
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.TrialCapacity, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this TrialCapacity to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace TrialCapacity {

            /** Properties of a TrialCapacity. */
            interface $Properties {

                /** TrialCapacity slots */
                slots?: (number|null);

                /** TrialCapacity usedSlots */
                usedSlots?: (number|null);

                /** TrialCapacity memoryBytes */
                memoryBytes?: (Long|null);

                /** TrialCapacity reservedBytes */
                reservedBytes?: (Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TrialCapacity. */
            type $Shape = umbra.v1.TrialCapacity.$Properties;
        }

        /**
         * Properties of a VmStatus.
         * @deprecated Use umbra.v1.VmStatus.$Properties instead.
         */
        interface IVmStatus extends umbra.v1.VmStatus.$Properties {
        }

        /** Represents a VmStatus. */
        class VmStatus {

            /**
             * Constructs a new VmStatus.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.VmStatus.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** VmStatus vm. */
            vm: string;

            /** VmStatus uuid. */
            uuid: string;

            /** VmStatus state. */
            state: umbra.v1.VmState;

            /** VmStatus lastCaptureNs. */
            lastCaptureNs: Long;

            /** VmStatus lastError. */
            lastError: string;

            /** VmStatus schedule. */
            schedule: string;

            /** VmStatus disks. */
            disks: umbra.v1.DiskStatus.$Properties[];

            /**
             * Creates a new VmStatus instance using the specified properties.
             * @param [properties] Properties to set
             * @returns VmStatus instance
             */
            static create(properties: umbra.v1.VmStatus.$Shape): umbra.v1.VmStatus & umbra.v1.VmStatus.$Shape;
            static create(properties?: umbra.v1.VmStatus.$Properties): umbra.v1.VmStatus;

            /**
             * Encodes the specified VmStatus message. Does not implicitly {@link umbra.v1.VmStatus.verify|verify} messages.
             * @param message VmStatus message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.VmStatus.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a VmStatus message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.VmStatus & umbra.v1.VmStatus.$Shape} VmStatus
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.VmStatus & umbra.v1.VmStatus.$Shape;

            /**
             * Creates a VmStatus message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns VmStatus
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.VmStatus;

            /**
             * Creates a plain object from a VmStatus message. Also converts values to other types if specified.
             * @param message VmStatus
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.VmStatus, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this VmStatus to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace VmStatus {

            /** Properties of a VmStatus. */
            interface $Properties {

                /** VmStatus vm */
                vm?: (string|null);

                /** VmStatus uuid */
                uuid?: (string|null);

                /** VmStatus state */
                state?: (umbra.v1.VmState|null);

                /** VmStatus lastCaptureNs */
                lastCaptureNs?: (Long|null);

                /** VmStatus lastError */
                lastError?: (string|null);

                /** VmStatus schedule */
                schedule?: (string|null);

                /** VmStatus disks */
                disks?: (umbra.v1.DiskStatus.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a VmStatus. */
            type $Shape = umbra.v1.VmStatus.$Properties;
        }

        /**
         * Properties of a DiskStatus.
         * @deprecated Use umbra.v1.DiskStatus.$Properties instead.
         */
        interface IDiskStatus extends umbra.v1.DiskStatus.$Properties {
        }

        /** Represents a DiskStatus. */
        class DiskStatus {

            /**
             * Constructs a new DiskStatus.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.DiskStatus.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** DiskStatus disk. */
            disk: string;

            /** DiskStatus sizeBytes. */
            sizeBytes: Long;

            /** DiskStatus excluded. */
            excluded: boolean;

            /**
             * Creates a new DiskStatus instance using the specified properties.
             * @param [properties] Properties to set
             * @returns DiskStatus instance
             */
            static create(properties: umbra.v1.DiskStatus.$Shape): umbra.v1.DiskStatus & umbra.v1.DiskStatus.$Shape;
            static create(properties?: umbra.v1.DiskStatus.$Properties): umbra.v1.DiskStatus;

            /**
             * Encodes the specified DiskStatus message. Does not implicitly {@link umbra.v1.DiskStatus.verify|verify} messages.
             * @param message DiskStatus message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.DiskStatus.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a DiskStatus message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.DiskStatus & umbra.v1.DiskStatus.$Shape} DiskStatus
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.DiskStatus & umbra.v1.DiskStatus.$Shape;

            /**
             * Creates a DiskStatus message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns DiskStatus
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.DiskStatus;

            /**
             * Creates a plain object from a DiskStatus message. Also converts values to other types if specified.
             * @param message DiskStatus
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.DiskStatus, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this DiskStatus to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace DiskStatus {

            /** Properties of a DiskStatus. */
            interface $Properties {

                /** DiskStatus disk */
                disk?: (string|null);

                /** DiskStatus sizeBytes */
                sizeBytes?: (Long|null);

                /** DiskStatus excluded */
                excluded?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a DiskStatus. */
            type $Shape = umbra.v1.DiskStatus.$Properties;
        }

        /** VmState enum. */
        enum VmState {

            /** VM_STATE_UNKNOWN value */
            VM_STATE_UNKNOWN = 0,

            /** VM_STATE_RUNNING value */
            VM_STATE_RUNNING = 1,

            /** VM_STATE_PAUSED value */
            VM_STATE_PAUSED = 2,

            /** VM_STATE_GONE value */
            VM_STATE_GONE = 3
        }

        /**
         * Properties of a TelemetryBatch.
         * @deprecated Use umbra.v1.TelemetryBatch.$Properties instead.
         */
        interface ITelemetryBatch extends umbra.v1.TelemetryBatch.$Properties {
        }

        /** Represents a TelemetryBatch. */
        class TelemetryBatch {

            /**
             * Constructs a new TelemetryBatch.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.TelemetryBatch.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TelemetryBatch sequence. */
            sequence: Long;

            /** TelemetryBatch samples. */
            samples: umbra.v1.Sample.$Properties[];

            /** TelemetryBatch compressed. */
            compressed: Uint8Array;

            /**
             * Creates a new TelemetryBatch instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TelemetryBatch instance
             */
            static create(properties: umbra.v1.TelemetryBatch.$Shape): umbra.v1.TelemetryBatch & umbra.v1.TelemetryBatch.$Shape;
            static create(properties?: umbra.v1.TelemetryBatch.$Properties): umbra.v1.TelemetryBatch;

            /**
             * Encodes the specified TelemetryBatch message. Does not implicitly {@link umbra.v1.TelemetryBatch.verify|verify} messages.
             * @param message TelemetryBatch message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.TelemetryBatch.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TelemetryBatch message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.TelemetryBatch & umbra.v1.TelemetryBatch.$Shape} TelemetryBatch
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.TelemetryBatch & umbra.v1.TelemetryBatch.$Shape;

            /**
             * Creates a TelemetryBatch message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns TelemetryBatch
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.TelemetryBatch;

            /**
             * Creates a plain object from a TelemetryBatch message. Also converts values to other types if specified.
             * @param message TelemetryBatch
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.TelemetryBatch, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this TelemetryBatch to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace TelemetryBatch {

            /** Properties of a TelemetryBatch. */
            interface $Properties {

                /** TelemetryBatch sequence */
                sequence?: (Long|null);

                /** TelemetryBatch samples */
                samples?: (umbra.v1.Sample.$Properties[]|null);

                /** TelemetryBatch compressed */
                compressed?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TelemetryBatch. */
            type $Shape = umbra.v1.TelemetryBatch.$Properties;
        }

        /**
         * Properties of a Sample.
         * @deprecated Use umbra.v1.Sample.$Properties instead.
         */
        interface ISample extends umbra.v1.Sample.$Properties {
        }

        /** Represents a Sample. */
        class Sample {

            /**
             * Constructs a new Sample.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Sample.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Sample measurement. */
            measurement: string;

            /** Sample tags. */
            tags: { [k: string]: string };

            /** Sample timeNs. */
            timeNs: Long;

            /** Sample fields. */
            fields: { [k: string]: number };

            /**
             * Creates a new Sample instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Sample instance
             */
            static create(properties: umbra.v1.Sample.$Shape): umbra.v1.Sample & umbra.v1.Sample.$Shape;
            static create(properties?: umbra.v1.Sample.$Properties): umbra.v1.Sample;

            /**
             * Encodes the specified Sample message. Does not implicitly {@link umbra.v1.Sample.verify|verify} messages.
             * @param message Sample message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Sample.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Sample message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Sample & umbra.v1.Sample.$Shape} Sample
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Sample & umbra.v1.Sample.$Shape;

            /**
             * Creates a Sample message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Sample
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Sample;

            /**
             * Creates a plain object from a Sample message. Also converts values to other types if specified.
             * @param message Sample
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Sample, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Sample to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Sample {

            /** Properties of a Sample. */
            interface $Properties {

                /** Sample measurement */
                measurement?: (string|null);

                /** Sample tags */
                tags?: ({ [k: string]: string }|null);

                /** Sample timeNs */
                timeNs?: (Long|null);

                /** Sample fields */
                fields?: ({ [k: string]: number }|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Sample. */
            type $Shape = umbra.v1.Sample.$Properties;
        }

        /**
         * Properties of a TelemetryAck.
         * @deprecated Use umbra.v1.TelemetryAck.$Properties instead.
         */
        interface ITelemetryAck extends umbra.v1.TelemetryAck.$Properties {
        }

        /** Represents a TelemetryAck. */
        class TelemetryAck {

            /**
             * Constructs a new TelemetryAck.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.TelemetryAck.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TelemetryAck sequence. */
            sequence: Long;

            /**
             * Creates a new TelemetryAck instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TelemetryAck instance
             */
            static create(properties: umbra.v1.TelemetryAck.$Shape): umbra.v1.TelemetryAck & umbra.v1.TelemetryAck.$Shape;
            static create(properties?: umbra.v1.TelemetryAck.$Properties): umbra.v1.TelemetryAck;

            /**
             * Encodes the specified TelemetryAck message. Does not implicitly {@link umbra.v1.TelemetryAck.verify|verify} messages.
             * @param message TelemetryAck message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.TelemetryAck.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TelemetryAck message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.TelemetryAck & umbra.v1.TelemetryAck.$Shape} TelemetryAck
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.TelemetryAck & umbra.v1.TelemetryAck.$Shape;

            /**
             * Creates a TelemetryAck message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns TelemetryAck
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.TelemetryAck;

            /**
             * Creates a plain object from a TelemetryAck message. Also converts values to other types if specified.
             * @param message TelemetryAck
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.TelemetryAck, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this TelemetryAck to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace TelemetryAck {

            /** Properties of a TelemetryAck. */
            interface $Properties {

                /** TelemetryAck sequence */
                sequence?: (Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TelemetryAck. */
            type $Shape = umbra.v1.TelemetryAck.$Properties;
        }

        /**
         * Properties of an Order.
         * @deprecated Use umbra.v1.Order.$Properties instead.
         */
        interface IOrder extends umbra.v1.Order.$Properties {
        }

        /** Represents an Order. */
        class Order {

            /**
             * Constructs a new Order.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Order.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Order orderId. */
            orderId: string;

            /** Order captureNow. */
            captureNow?: (umbra.v1.CaptureNow.$Properties|null);

            /** Order setPolicy. */
            setPolicy?: (umbra.v1.SetPolicy.$Properties|null);

            /** Order runTrial. */
            runTrial?: (umbra.v1.RunTrial.$Properties|null);

            /** Order sendBlocks. */
            sendBlocks?: (umbra.v1.SendBlocks.$Properties|null);

            /** Order body. */
            body?: ("captureNow"|"setPolicy"|"runTrial"|"sendBlocks");

            /**
             * Creates a new Order instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Order instance
             */
            static create(properties: umbra.v1.Order.$Shape): umbra.v1.Order & umbra.v1.Order.$Shape;
            static create(properties?: umbra.v1.Order.$Properties): umbra.v1.Order;

            /**
             * Encodes the specified Order message. Does not implicitly {@link umbra.v1.Order.verify|verify} messages.
             * @param message Order message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Order.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Order message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Order & umbra.v1.Order.$Shape} Order
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Order & umbra.v1.Order.$Shape;

            /**
             * Creates an Order message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Order
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Order;

            /**
             * Creates a plain object from an Order message. Also converts values to other types if specified.
             * @param message Order
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Order, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Order to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Order {

            /** Properties of an Order. */
            interface $Properties {

                /** Order orderId */
                orderId?: (string|null);

                /** Order captureNow */
                captureNow?: (umbra.v1.CaptureNow.$Properties|null);

                /** Order setPolicy */
                setPolicy?: (umbra.v1.SetPolicy.$Properties|null);

                /** Order runTrial */
                runTrial?: (umbra.v1.RunTrial.$Properties|null);

                /** Order sendBlocks */
                sendBlocks?: (umbra.v1.SendBlocks.$Properties|null);

                /** Order body */
                body?: ("captureNow"|"setPolicy"|"runTrial"|"sendBlocks");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of an Order. */
            type $Shape = {
              orderId?: string|null;
              captureNow?: umbra.v1.CaptureNow.$Shape|null;
              setPolicy?: umbra.v1.SetPolicy.$Shape|null;
              runTrial?: umbra.v1.RunTrial.$Shape|null;
              sendBlocks?: umbra.v1.SendBlocks.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ body?: undefined; captureNow?: null; setPolicy?: null; runTrial?: null; sendBlocks?: null }|{ body?: "captureNow"; captureNow: umbra.v1.CaptureNow.$Shape; setPolicy?: null; runTrial?: null; sendBlocks?: null }|{ body?: "setPolicy"; captureNow?: null; setPolicy: umbra.v1.SetPolicy.$Shape; runTrial?: null; sendBlocks?: null }|{ body?: "runTrial"; captureNow?: null; setPolicy?: null; runTrial: umbra.v1.RunTrial.$Shape; sendBlocks?: null }|{ body?: "sendBlocks"; captureNow?: null; setPolicy?: null; runTrial?: null; sendBlocks: umbra.v1.SendBlocks.$Shape })
            );
        }

        /**
         * Properties of a CaptureNow.
         * @deprecated Use umbra.v1.CaptureNow.$Properties instead.
         */
        interface ICaptureNow extends umbra.v1.CaptureNow.$Properties {
        }

        /** Represents a CaptureNow. */
        class CaptureNow {

            /**
             * Constructs a new CaptureNow.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.CaptureNow.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CaptureNow vm. */
            vm: string;

            /** CaptureNow anew. */
            anew: boolean;

            /** CaptureNow state. */
            state: boolean;

            /** CaptureNow allowPause. */
            allowPause: boolean;

            /**
             * Creates a new CaptureNow instance using the specified properties.
             * @param [properties] Properties to set
             * @returns CaptureNow instance
             */
            static create(properties: umbra.v1.CaptureNow.$Shape): umbra.v1.CaptureNow & umbra.v1.CaptureNow.$Shape;
            static create(properties?: umbra.v1.CaptureNow.$Properties): umbra.v1.CaptureNow;

            /**
             * Encodes the specified CaptureNow message. Does not implicitly {@link umbra.v1.CaptureNow.verify|verify} messages.
             * @param message CaptureNow message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.CaptureNow.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CaptureNow message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.CaptureNow & umbra.v1.CaptureNow.$Shape} CaptureNow
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.CaptureNow & umbra.v1.CaptureNow.$Shape;

            /**
             * Creates a CaptureNow message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns CaptureNow
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.CaptureNow;

            /**
             * Creates a plain object from a CaptureNow message. Also converts values to other types if specified.
             * @param message CaptureNow
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.CaptureNow, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this CaptureNow to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace CaptureNow {

            /** Properties of a CaptureNow. */
            interface $Properties {

                /** CaptureNow vm */
                vm?: (string|null);

                /** CaptureNow anew */
                anew?: (boolean|null);

                /** CaptureNow state */
                state?: (boolean|null);

                /** CaptureNow allowPause */
                allowPause?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a CaptureNow. */
            type $Shape = umbra.v1.CaptureNow.$Properties;
        }

        /**
         * Properties of a SendBlocks.
         * @deprecated Use umbra.v1.SendBlocks.$Properties instead.
         */
        interface ISendBlocks extends umbra.v1.SendBlocks.$Properties {
        }

        /** Represents a SendBlocks. */
        class SendBlocks {

            /**
             * Constructs a new SendBlocks.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.SendBlocks.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SendBlocks vm. */
            vm: string;

            /** SendBlocks names. */
            names: Uint8Array;

            /**
             * Creates a new SendBlocks instance using the specified properties.
             * @param [properties] Properties to set
             * @returns SendBlocks instance
             */
            static create(properties: umbra.v1.SendBlocks.$Shape): umbra.v1.SendBlocks & umbra.v1.SendBlocks.$Shape;
            static create(properties?: umbra.v1.SendBlocks.$Properties): umbra.v1.SendBlocks;

            /**
             * Encodes the specified SendBlocks message. Does not implicitly {@link umbra.v1.SendBlocks.verify|verify} messages.
             * @param message SendBlocks message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.SendBlocks.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SendBlocks message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.SendBlocks & umbra.v1.SendBlocks.$Shape} SendBlocks
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.SendBlocks & umbra.v1.SendBlocks.$Shape;

            /**
             * Creates a SendBlocks message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns SendBlocks
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.SendBlocks;

            /**
             * Creates a plain object from a SendBlocks message. Also converts values to other types if specified.
             * @param message SendBlocks
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.SendBlocks, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this SendBlocks to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace SendBlocks {

            /** Properties of a SendBlocks. */
            interface $Properties {

                /** SendBlocks vm */
                vm?: (string|null);

                /** SendBlocks names */
                names?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SendBlocks. */
            type $Shape = umbra.v1.SendBlocks.$Properties;
        }

        /**
         * Properties of a RunTrial.
         * @deprecated Use umbra.v1.RunTrial.$Properties instead.
         */
        interface IRunTrial extends umbra.v1.RunTrial.$Properties {
        }

        /** Represents a RunTrial. */
        class RunTrial {

            /**
             * Constructs a new RunTrial.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.RunTrial.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** RunTrial ticket. */
            ticket: Uint8Array;

            /** RunTrial vm. */
            vm: string;

            /** RunTrial timeNs. */
            timeNs: Long;

            /** RunTrial clones. */
            clones: number;

            /** RunTrial durationMs. */
            durationMs: Long;

            /** RunTrial profiles. */
            profiles: Uint8Array[];

            /** RunTrial probes. */
            probes: Uint8Array;

            /**
             * Creates a new RunTrial instance using the specified properties.
             * @param [properties] Properties to set
             * @returns RunTrial instance
             */
            static create(properties: umbra.v1.RunTrial.$Shape): umbra.v1.RunTrial & umbra.v1.RunTrial.$Shape;
            static create(properties?: umbra.v1.RunTrial.$Properties): umbra.v1.RunTrial;

            /**
             * Encodes the specified RunTrial message. Does not implicitly {@link umbra.v1.RunTrial.verify|verify} messages.
             * @param message RunTrial message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.RunTrial.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RunTrial message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.RunTrial & umbra.v1.RunTrial.$Shape} RunTrial
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.RunTrial & umbra.v1.RunTrial.$Shape;

            /**
             * Creates a RunTrial message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns RunTrial
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.RunTrial;

            /**
             * Creates a plain object from a RunTrial message. Also converts values to other types if specified.
             * @param message RunTrial
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.RunTrial, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this RunTrial to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace RunTrial {

            /** Properties of a RunTrial. */
            interface $Properties {

                /** RunTrial ticket */
                ticket?: (Uint8Array|null);

                /** RunTrial vm */
                vm?: (string|null);

                /** RunTrial timeNs */
                timeNs?: (Long|null);

                /** RunTrial clones */
                clones?: (number|null);

                /** RunTrial durationMs */
                durationMs?: (Long|null);

                /** RunTrial profiles */
                profiles?: (Uint8Array[]|null);

                /** RunTrial probes */
                probes?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RunTrial. */
            type $Shape = umbra.v1.RunTrial.$Properties;
        }

        /**
         * Properties of a SetPolicy.
         * @deprecated Use umbra.v1.SetPolicy.$Properties instead.
         */
        interface ISetPolicy extends umbra.v1.SetPolicy.$Properties {
        }

        /** Represents a SetPolicy. */
        class SetPolicy {

            /**
             * Constructs a new SetPolicy.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.SetPolicy.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SetPolicy vm. */
            vm: string;

            /** SetPolicy schedule. */
            schedule: string;

            /** SetPolicy paused. */
            paused?: (boolean|null);

            /**
             * Creates a new SetPolicy instance using the specified properties.
             * @param [properties] Properties to set
             * @returns SetPolicy instance
             */
            static create(properties: umbra.v1.SetPolicy.$Shape): umbra.v1.SetPolicy & umbra.v1.SetPolicy.$Shape;
            static create(properties?: umbra.v1.SetPolicy.$Properties): umbra.v1.SetPolicy;

            /**
             * Encodes the specified SetPolicy message. Does not implicitly {@link umbra.v1.SetPolicy.verify|verify} messages.
             * @param message SetPolicy message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.SetPolicy.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SetPolicy message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.SetPolicy & umbra.v1.SetPolicy.$Shape} SetPolicy
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.SetPolicy & umbra.v1.SetPolicy.$Shape;

            /**
             * Creates a SetPolicy message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns SetPolicy
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.SetPolicy;

            /**
             * Creates a plain object from a SetPolicy message. Also converts values to other types if specified.
             * @param message SetPolicy
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.SetPolicy, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this SetPolicy to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace SetPolicy {

            /** Properties of a SetPolicy. */
            interface $Properties {

                /** SetPolicy vm */
                vm?: (string|null);

                /** SetPolicy schedule */
                schedule?: (string|null);

                /** SetPolicy paused */
                paused?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SetPolicy. */
            type $Shape = umbra.v1.SetPolicy.$Properties;
        }

        /**
         * Properties of an OrderResult.
         * @deprecated Use umbra.v1.OrderResult.$Properties instead.
         */
        interface IOrderResult extends umbra.v1.OrderResult.$Properties {
        }

        /** Represents an OrderResult. */
        class OrderResult {

            /**
             * Constructs a new OrderResult.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.OrderResult.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** OrderResult orderId. */
            orderId: string;

            /** OrderResult ok. */
            ok: boolean;

            /** OrderResult errorCode. */
            errorCode: string;

            /** OrderResult message. */
            message: string;

            /** OrderResult changesetId. */
            changesetId: string;

            /** OrderResult found. */
            found: Uint8Array;

            /** OrderResult trial. */
            trial?: (umbra.v1.TrialResult.$Properties|null);

            /**
             * Creates a new OrderResult instance using the specified properties.
             * @param [properties] Properties to set
             * @returns OrderResult instance
             */
            static create(properties: umbra.v1.OrderResult.$Shape): umbra.v1.OrderResult & umbra.v1.OrderResult.$Shape;
            static create(properties?: umbra.v1.OrderResult.$Properties): umbra.v1.OrderResult;

            /**
             * Encodes the specified OrderResult message. Does not implicitly {@link umbra.v1.OrderResult.verify|verify} messages.
             * @param message OrderResult message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.OrderResult.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an OrderResult message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.OrderResult & umbra.v1.OrderResult.$Shape} OrderResult
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.OrderResult & umbra.v1.OrderResult.$Shape;

            /**
             * Creates an OrderResult message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns OrderResult
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.OrderResult;

            /**
             * Creates a plain object from an OrderResult message. Also converts values to other types if specified.
             * @param message OrderResult
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.OrderResult, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this OrderResult to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace OrderResult {

            /** Properties of an OrderResult. */
            interface $Properties {

                /** OrderResult orderId */
                orderId?: (string|null);

                /** OrderResult ok */
                ok?: (boolean|null);

                /** OrderResult errorCode */
                errorCode?: (string|null);

                /** OrderResult message */
                message?: (string|null);

                /** OrderResult changesetId */
                changesetId?: (string|null);

                /** OrderResult found */
                found?: (Uint8Array|null);

                /** OrderResult trial */
                trial?: (umbra.v1.TrialResult.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an OrderResult. */
            type $Shape = umbra.v1.OrderResult.$Properties;
        }

        /**
         * Properties of a TrialReport.
         * @deprecated Use umbra.v1.TrialReport.$Properties instead.
         */
        interface ITrialReport extends umbra.v1.TrialReport.$Properties {
        }

        /** Represents a TrialReport. */
        class TrialReport {

            /**
             * Constructs a new TrialReport.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.TrialReport.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TrialReport ticket. */
            ticket: Uint8Array;

            /** TrialReport report. */
            report: Uint8Array;

            /**
             * Creates a new TrialReport instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TrialReport instance
             */
            static create(properties: umbra.v1.TrialReport.$Shape): umbra.v1.TrialReport & umbra.v1.TrialReport.$Shape;
            static create(properties?: umbra.v1.TrialReport.$Properties): umbra.v1.TrialReport;

            /**
             * Encodes the specified TrialReport message. Does not implicitly {@link umbra.v1.TrialReport.verify|verify} messages.
             * @param message TrialReport message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.TrialReport.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TrialReport message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.TrialReport & umbra.v1.TrialReport.$Shape} TrialReport
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.TrialReport & umbra.v1.TrialReport.$Shape;

            /**
             * Creates a TrialReport message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns TrialReport
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.TrialReport;

            /**
             * Creates a plain object from a TrialReport message. Also converts values to other types if specified.
             * @param message TrialReport
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.TrialReport, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this TrialReport to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace TrialReport {

            /** Properties of a TrialReport. */
            interface $Properties {

                /** TrialReport ticket */
                ticket?: (Uint8Array|null);

                /** TrialReport report */
                report?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TrialReport. */
            type $Shape = umbra.v1.TrialReport.$Properties;
        }

        /**
         * Properties of a TrialReceipt.
         * @deprecated Use umbra.v1.TrialReceipt.$Properties instead.
         */
        interface ITrialReceipt extends umbra.v1.TrialReceipt.$Properties {
        }

        /** Represents a TrialReceipt. */
        class TrialReceipt {

            /**
             * Constructs a new TrialReceipt.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.TrialReceipt.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new TrialReceipt instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TrialReceipt instance
             */
            static create(properties: umbra.v1.TrialReceipt.$Shape): umbra.v1.TrialReceipt & umbra.v1.TrialReceipt.$Shape;
            static create(properties?: umbra.v1.TrialReceipt.$Properties): umbra.v1.TrialReceipt;

            /**
             * Encodes the specified TrialReceipt message. Does not implicitly {@link umbra.v1.TrialReceipt.verify|verify} messages.
             * @param message TrialReceipt message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.TrialReceipt.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TrialReceipt message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.TrialReceipt & umbra.v1.TrialReceipt.$Shape} TrialReceipt
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.TrialReceipt & umbra.v1.TrialReceipt.$Shape;

            /**
             * Creates a TrialReceipt message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns TrialReceipt
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.TrialReceipt;

            /**
             * Creates a plain object from a TrialReceipt message. Also converts values to other types if specified.
             * @param message TrialReceipt
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.TrialReceipt, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this TrialReceipt to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace TrialReceipt {

            /** Properties of a TrialReceipt. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TrialReceipt. */
            type $Shape = umbra.v1.TrialReceipt.$Properties;
        }

        /**
         * Properties of a TrialResult.
         * @deprecated Use umbra.v1.TrialResult.$Properties instead.
         */
        interface ITrialResult extends umbra.v1.TrialResult.$Properties {
        }

        /** Represents a TrialResult. */
        class TrialResult {

            /**
             * Constructs a new TrialResult.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.TrialResult.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TrialResult templateMs. */
            templateMs: number;

            /** TrialResult ramBytes. */
            ramBytes: Long;

            /** TrialResult diskBytes. */
            diskBytes: Long;

            /** TrialResult notes. */
            notes: string[];

            /**
             * Creates a new TrialResult instance using the specified properties.
             * @param [properties] Properties to set
             * @returns TrialResult instance
             */
            static create(properties: umbra.v1.TrialResult.$Shape): umbra.v1.TrialResult & umbra.v1.TrialResult.$Shape;
            static create(properties?: umbra.v1.TrialResult.$Properties): umbra.v1.TrialResult;

            /**
             * Encodes the specified TrialResult message. Does not implicitly {@link umbra.v1.TrialResult.verify|verify} messages.
             * @param message TrialResult message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.TrialResult.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TrialResult message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.TrialResult & umbra.v1.TrialResult.$Shape} TrialResult
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.TrialResult & umbra.v1.TrialResult.$Shape;

            /**
             * Creates a TrialResult message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns TrialResult
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.TrialResult;

            /**
             * Creates a plain object from a TrialResult message. Also converts values to other types if specified.
             * @param message TrialResult
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.TrialResult, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this TrialResult to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace TrialResult {

            /** Properties of a TrialResult. */
            interface $Properties {

                /** TrialResult templateMs */
                templateMs?: (number|null);

                /** TrialResult ramBytes */
                ramBytes?: (Long|null);

                /** TrialResult diskBytes */
                diskBytes?: (Long|null);

                /** TrialResult notes */
                notes?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TrialResult. */
            type $Shape = umbra.v1.TrialResult.$Properties;
        }

        /**
         * Properties of a ChunkOffer.
         * @deprecated Use umbra.v1.ChunkOffer.$Properties instead.
         */
        interface IChunkOffer extends umbra.v1.ChunkOffer.$Properties {
        }

        /** Represents a ChunkOffer. */
        class ChunkOffer {

            /**
             * Constructs a new ChunkOffer.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.ChunkOffer.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChunkOffer names. */
            names: Uint8Array;

            /**
             * Creates a new ChunkOffer instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ChunkOffer instance
             */
            static create(properties: umbra.v1.ChunkOffer.$Shape): umbra.v1.ChunkOffer & umbra.v1.ChunkOffer.$Shape;
            static create(properties?: umbra.v1.ChunkOffer.$Properties): umbra.v1.ChunkOffer;

            /**
             * Encodes the specified ChunkOffer message. Does not implicitly {@link umbra.v1.ChunkOffer.verify|verify} messages.
             * @param message ChunkOffer message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.ChunkOffer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChunkOffer message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.ChunkOffer & umbra.v1.ChunkOffer.$Shape} ChunkOffer
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.ChunkOffer & umbra.v1.ChunkOffer.$Shape;

            /**
             * Creates a ChunkOffer message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns ChunkOffer
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.ChunkOffer;

            /**
             * Creates a plain object from a ChunkOffer message. Also converts values to other types if specified.
             * @param message ChunkOffer
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.ChunkOffer, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this ChunkOffer to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace ChunkOffer {

            /** Properties of a ChunkOffer. */
            interface $Properties {

                /** ChunkOffer names */
                names?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ChunkOffer. */
            type $Shape = umbra.v1.ChunkOffer.$Properties;
        }

        /**
         * Properties of a ChunkNeed.
         * @deprecated Use umbra.v1.ChunkNeed.$Properties instead.
         */
        interface IChunkNeed extends umbra.v1.ChunkNeed.$Properties {
        }

        /** Represents a ChunkNeed. */
        class ChunkNeed {

            /**
             * Constructs a new ChunkNeed.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.ChunkNeed.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChunkNeed missing. */
            missing: Uint8Array;

            /**
             * Creates a new ChunkNeed instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ChunkNeed instance
             */
            static create(properties: umbra.v1.ChunkNeed.$Shape): umbra.v1.ChunkNeed & umbra.v1.ChunkNeed.$Shape;
            static create(properties?: umbra.v1.ChunkNeed.$Properties): umbra.v1.ChunkNeed;

            /**
             * Encodes the specified ChunkNeed message. Does not implicitly {@link umbra.v1.ChunkNeed.verify|verify} messages.
             * @param message ChunkNeed message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.ChunkNeed.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChunkNeed message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.ChunkNeed & umbra.v1.ChunkNeed.$Shape} ChunkNeed
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.ChunkNeed & umbra.v1.ChunkNeed.$Shape;

            /**
             * Creates a ChunkNeed message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns ChunkNeed
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.ChunkNeed;

            /**
             * Creates a plain object from a ChunkNeed message. Also converts values to other types if specified.
             * @param message ChunkNeed
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.ChunkNeed, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this ChunkNeed to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace ChunkNeed {

            /** Properties of a ChunkNeed. */
            interface $Properties {

                /** ChunkNeed missing */
                missing?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ChunkNeed. */
            type $Shape = umbra.v1.ChunkNeed.$Properties;
        }

        /** ChunkEncoding enum. */
        enum ChunkEncoding {

            /** CHUNK_ENCODING_RAW value */
            CHUNK_ENCODING_RAW = 0,

            /** CHUNK_ENCODING_ZSTD value */
            CHUNK_ENCODING_ZSTD = 1
        }

        /**
         * Properties of a Chunk.
         * @deprecated Use umbra.v1.Chunk.$Properties instead.
         */
        interface IChunk extends umbra.v1.Chunk.$Properties {
        }

        /** Represents a Chunk. */
        class Chunk {

            /**
             * Constructs a new Chunk.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Chunk.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Chunk name. */
            name: Uint8Array;

            /** Chunk encoding. */
            encoding: umbra.v1.ChunkEncoding;

            /** Chunk data. */
            data: Uint8Array;

            /**
             * Creates a new Chunk instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Chunk instance
             */
            static create(properties: umbra.v1.Chunk.$Shape): umbra.v1.Chunk & umbra.v1.Chunk.$Shape;
            static create(properties?: umbra.v1.Chunk.$Properties): umbra.v1.Chunk;

            /**
             * Encodes the specified Chunk message. Does not implicitly {@link umbra.v1.Chunk.verify|verify} messages.
             * @param message Chunk message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Chunk.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Chunk message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Chunk & umbra.v1.Chunk.$Shape} Chunk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Chunk & umbra.v1.Chunk.$Shape;

            /**
             * Creates a Chunk message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Chunk
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Chunk;

            /**
             * Creates a plain object from a Chunk message. Also converts values to other types if specified.
             * @param message Chunk
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Chunk, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Chunk to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Chunk {

            /** Properties of a Chunk. */
            interface $Properties {

                /** Chunk name */
                name?: (Uint8Array|null);

                /** Chunk encoding */
                encoding?: (umbra.v1.ChunkEncoding|null);

                /** Chunk data */
                data?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Chunk. */
            type $Shape = umbra.v1.Chunk.$Properties;
        }

        /**
         * Properties of a ChunkBatch.
         * @deprecated Use umbra.v1.ChunkBatch.$Properties instead.
         */
        interface IChunkBatch extends umbra.v1.ChunkBatch.$Properties {
        }

        /** Represents a ChunkBatch. */
        class ChunkBatch {

            /**
             * Constructs a new ChunkBatch.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.ChunkBatch.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChunkBatch batch. */
            batch: Long;

            /** ChunkBatch chunks. */
            chunks: umbra.v1.Chunk.$Properties[];

            /**
             * Creates a new ChunkBatch instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ChunkBatch instance
             */
            static create(properties: umbra.v1.ChunkBatch.$Shape): umbra.v1.ChunkBatch & umbra.v1.ChunkBatch.$Shape;
            static create(properties?: umbra.v1.ChunkBatch.$Properties): umbra.v1.ChunkBatch;

            /**
             * Encodes the specified ChunkBatch message. Does not implicitly {@link umbra.v1.ChunkBatch.verify|verify} messages.
             * @param message ChunkBatch message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.ChunkBatch.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChunkBatch message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.ChunkBatch & umbra.v1.ChunkBatch.$Shape} ChunkBatch
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.ChunkBatch & umbra.v1.ChunkBatch.$Shape;

            /**
             * Creates a ChunkBatch message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns ChunkBatch
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.ChunkBatch;

            /**
             * Creates a plain object from a ChunkBatch message. Also converts values to other types if specified.
             * @param message ChunkBatch
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.ChunkBatch, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this ChunkBatch to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace ChunkBatch {

            /** Properties of a ChunkBatch. */
            interface $Properties {

                /** ChunkBatch batch */
                batch?: (Long|null);

                /** ChunkBatch chunks */
                chunks?: (umbra.v1.Chunk.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ChunkBatch. */
            type $Shape = umbra.v1.ChunkBatch.$Properties;
        }

        /**
         * Properties of a ChunkBatchAck.
         * @deprecated Use umbra.v1.ChunkBatchAck.$Properties instead.
         */
        interface IChunkBatchAck extends umbra.v1.ChunkBatchAck.$Properties {
        }

        /** Represents a ChunkBatchAck. */
        class ChunkBatchAck {

            /**
             * Constructs a new ChunkBatchAck.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.ChunkBatchAck.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChunkBatchAck batch. */
            batch: Long;

            /** ChunkBatchAck rejected. */
            rejected: Uint8Array[];

            /**
             * Creates a new ChunkBatchAck instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ChunkBatchAck instance
             */
            static create(properties: umbra.v1.ChunkBatchAck.$Shape): umbra.v1.ChunkBatchAck & umbra.v1.ChunkBatchAck.$Shape;
            static create(properties?: umbra.v1.ChunkBatchAck.$Properties): umbra.v1.ChunkBatchAck;

            /**
             * Encodes the specified ChunkBatchAck message. Does not implicitly {@link umbra.v1.ChunkBatchAck.verify|verify} messages.
             * @param message ChunkBatchAck message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.ChunkBatchAck.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChunkBatchAck message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.ChunkBatchAck & umbra.v1.ChunkBatchAck.$Shape} ChunkBatchAck
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.ChunkBatchAck & umbra.v1.ChunkBatchAck.$Shape;

            /**
             * Creates a ChunkBatchAck message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns ChunkBatchAck
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.ChunkBatchAck;

            /**
             * Creates a plain object from a ChunkBatchAck message. Also converts values to other types if specified.
             * @param message ChunkBatchAck
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.ChunkBatchAck, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this ChunkBatchAck to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace ChunkBatchAck {

            /** Properties of a ChunkBatchAck. */
            interface $Properties {

                /** ChunkBatchAck batch */
                batch?: (Long|null);

                /** ChunkBatchAck rejected */
                rejected?: (Uint8Array[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ChunkBatchAck. */
            type $Shape = umbra.v1.ChunkBatchAck.$Properties;
        }

        /**
         * Properties of a ChangesetPart.
         * @deprecated Use umbra.v1.ChangesetPart.$Properties instead.
         */
        interface IChangesetPart extends umbra.v1.ChangesetPart.$Properties {
        }

        /** Represents a ChangesetPart. */
        class ChangesetPart {

            /**
             * Constructs a new ChangesetPart.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.ChangesetPart.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChangesetPart header. */
            header?: (umbra.v1.ChangesetHeader.$Properties|null);

            /** ChangesetPart blocks. */
            blocks?: (umbra.v1.BlockRun.$Properties|null);

            /** ChangesetPart files. */
            files?: (umbra.v1.FileChanges.$Properties|null);

            /** ChangesetPart body. */
            body?: ("header"|"blocks"|"files");

            /**
             * Creates a new ChangesetPart instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ChangesetPart instance
             */
            static create(properties: umbra.v1.ChangesetPart.$Shape): umbra.v1.ChangesetPart & umbra.v1.ChangesetPart.$Shape;
            static create(properties?: umbra.v1.ChangesetPart.$Properties): umbra.v1.ChangesetPart;

            /**
             * Encodes the specified ChangesetPart message. Does not implicitly {@link umbra.v1.ChangesetPart.verify|verify} messages.
             * @param message ChangesetPart message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.ChangesetPart.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChangesetPart message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.ChangesetPart & umbra.v1.ChangesetPart.$Shape} ChangesetPart
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.ChangesetPart & umbra.v1.ChangesetPart.$Shape;

            /**
             * Creates a ChangesetPart message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns ChangesetPart
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.ChangesetPart;

            /**
             * Creates a plain object from a ChangesetPart message. Also converts values to other types if specified.
             * @param message ChangesetPart
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.ChangesetPart, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this ChangesetPart to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace ChangesetPart {

            /** Properties of a ChangesetPart. */
            interface $Properties {

                /** ChangesetPart header */
                header?: (umbra.v1.ChangesetHeader.$Properties|null);

                /** ChangesetPart blocks */
                blocks?: (umbra.v1.BlockRun.$Properties|null);

                /** ChangesetPart files */
                files?: (umbra.v1.FileChanges.$Properties|null);

                /** ChangesetPart body */
                body?: ("header"|"blocks"|"files");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a ChangesetPart. */
            type $Shape = {
              header?: umbra.v1.ChangesetHeader.$Shape|null;
              blocks?: umbra.v1.BlockRun.$Shape|null;
              files?: umbra.v1.FileChanges.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ body?: undefined; header?: null; blocks?: null; files?: null }|{ body?: "header"; header: umbra.v1.ChangesetHeader.$Shape; blocks?: null; files?: null }|{ body?: "blocks"; header?: null; blocks: umbra.v1.BlockRun.$Shape; files?: null }|{ body?: "files"; header?: null; blocks?: null; files: umbra.v1.FileChanges.$Shape })
            );
        }

        /** CaptureMode enum. */
        enum CaptureMode {

            /** CAPTURE_MODE_UNKNOWN value */
            CAPTURE_MODE_UNKNOWN = 0,

            /** CAPTURE_MODE_FIRST value */
            CAPTURE_MODE_FIRST = 1,

            /** CAPTURE_MODE_TRACKED value */
            CAPTURE_MODE_TRACKED = 2,

            /** CAPTURE_MODE_RESYNC value */
            CAPTURE_MODE_RESYNC = 3
        }

        /** Consistency enum. */
        enum Consistency {

            /** CONSISTENCY_CRASH value */
            CONSISTENCY_CRASH = 0,

            /** CONSISTENCY_FILESYSTEM value */
            CONSISTENCY_FILESYSTEM = 1
        }

        /**
         * Properties of a ChangesetHeader.
         * @deprecated Use umbra.v1.ChangesetHeader.$Properties instead.
         */
        interface IChangesetHeader extends umbra.v1.ChangesetHeader.$Properties {
        }

        /** Represents a ChangesetHeader. */
        class ChangesetHeader {

            /**
             * Constructs a new ChangesetHeader.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.ChangesetHeader.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChangesetHeader id. */
            id: string;

            /** ChangesetHeader agentId. */
            agentId: string;

            /** ChangesetHeader host. */
            host: string;

            /** ChangesetHeader vm. */
            vm: string;

            /** ChangesetHeader vmUuid. */
            vmUuid: string;

            /** ChangesetHeader baseId. */
            baseId: string;

            /** ChangesetHeader sequence. */
            sequence: Long;

            /** ChangesetHeader timeNs. */
            timeNs: Long;

            /** ChangesetHeader consistency. */
            consistency: umbra.v1.Consistency;

            /** ChangesetHeader captureNs. */
            captureNs: Long;

            /** ChangesetHeader pauseNs. */
            pauseNs: Long;

            /** ChangesetHeader disks. */
            disks: umbra.v1.DiskChange.$Properties[];

            /** ChangesetHeader sessions. */
            sessions: umbra.v1.Session.$Properties[];

            /** ChangesetHeader packages. */
            packages: umbra.v1.PackageChange.$Properties[];

            /** ChangesetHeader imported. */
            imported?: (umbra.v1.ImportOrigin.$Properties|null);

            /** ChangesetHeader state. */
            state?: (umbra.v1.MachineState.$Properties|null);

            /** ChangesetHeader parts. */
            parts: Long;

            /**
             * Creates a new ChangesetHeader instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ChangesetHeader instance
             */
            static create(properties: umbra.v1.ChangesetHeader.$Shape): umbra.v1.ChangesetHeader & umbra.v1.ChangesetHeader.$Shape;
            static create(properties?: umbra.v1.ChangesetHeader.$Properties): umbra.v1.ChangesetHeader;

            /**
             * Encodes the specified ChangesetHeader message. Does not implicitly {@link umbra.v1.ChangesetHeader.verify|verify} messages.
             * @param message ChangesetHeader message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.ChangesetHeader.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChangesetHeader message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.ChangesetHeader & umbra.v1.ChangesetHeader.$Shape} ChangesetHeader
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.ChangesetHeader & umbra.v1.ChangesetHeader.$Shape;

            /**
             * Creates a ChangesetHeader message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns ChangesetHeader
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.ChangesetHeader;

            /**
             * Creates a plain object from a ChangesetHeader message. Also converts values to other types if specified.
             * @param message ChangesetHeader
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.ChangesetHeader, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this ChangesetHeader to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace ChangesetHeader {

            /** Properties of a ChangesetHeader. */
            interface $Properties {

                /** ChangesetHeader id */
                id?: (string|null);

                /** ChangesetHeader agentId */
                agentId?: (string|null);

                /** ChangesetHeader host */
                host?: (string|null);

                /** ChangesetHeader vm */
                vm?: (string|null);

                /** ChangesetHeader vmUuid */
                vmUuid?: (string|null);

                /** ChangesetHeader baseId */
                baseId?: (string|null);

                /** ChangesetHeader sequence */
                sequence?: (Long|null);

                /** ChangesetHeader timeNs */
                timeNs?: (Long|null);

                /** ChangesetHeader consistency */
                consistency?: (umbra.v1.Consistency|null);

                /** ChangesetHeader captureNs */
                captureNs?: (Long|null);

                /** ChangesetHeader pauseNs */
                pauseNs?: (Long|null);

                /** ChangesetHeader disks */
                disks?: (umbra.v1.DiskChange.$Properties[]|null);

                /** ChangesetHeader sessions */
                sessions?: (umbra.v1.Session.$Properties[]|null);

                /** ChangesetHeader packages */
                packages?: (umbra.v1.PackageChange.$Properties[]|null);

                /** ChangesetHeader imported */
                imported?: (umbra.v1.ImportOrigin.$Properties|null);

                /** ChangesetHeader state */
                state?: (umbra.v1.MachineState.$Properties|null);

                /** ChangesetHeader parts */
                parts?: (Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ChangesetHeader. */
            type $Shape = umbra.v1.ChangesetHeader.$Properties;
        }

        /**
         * Properties of a MachineState.
         * @deprecated Use umbra.v1.MachineState.$Properties instead.
         */
        interface IMachineState extends umbra.v1.MachineState.$Properties {
        }

        /** Represents a MachineState. */
        class MachineState {

            /**
             * Constructs a new MachineState.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.MachineState.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** MachineState parts. */
            parts: umbra.v1.StatePart.$Properties[];

            /** MachineState machineType. */
            machineType: string;

            /** MachineState hypervisor. */
            hypervisor: string;

            /** MachineState memoryBytes. */
            memoryBytes: Long;

            /** MachineState cpus. */
            cpus: number;

            /** MachineState streamBytes. */
            streamBytes: Long;

            /**
             * Creates a new MachineState instance using the specified properties.
             * @param [properties] Properties to set
             * @returns MachineState instance
             */
            static create(properties: umbra.v1.MachineState.$Shape): umbra.v1.MachineState & umbra.v1.MachineState.$Shape;
            static create(properties?: umbra.v1.MachineState.$Properties): umbra.v1.MachineState;

            /**
             * Encodes the specified MachineState message. Does not implicitly {@link umbra.v1.MachineState.verify|verify} messages.
             * @param message MachineState message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.MachineState.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a MachineState message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.MachineState & umbra.v1.MachineState.$Shape} MachineState
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.MachineState & umbra.v1.MachineState.$Shape;

            /**
             * Creates a MachineState message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns MachineState
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.MachineState;

            /**
             * Creates a plain object from a MachineState message. Also converts values to other types if specified.
             * @param message MachineState
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.MachineState, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this MachineState to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace MachineState {

            /** Properties of a MachineState. */
            interface $Properties {

                /** MachineState parts */
                parts?: (umbra.v1.StatePart.$Properties[]|null);

                /** MachineState machineType */
                machineType?: (string|null);

                /** MachineState hypervisor */
                hypervisor?: (string|null);

                /** MachineState memoryBytes */
                memoryBytes?: (Long|null);

                /** MachineState cpus */
                cpus?: (number|null);

                /** MachineState streamBytes */
                streamBytes?: (Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a MachineState. */
            type $Shape = umbra.v1.MachineState.$Properties;
        }

        /**
         * Properties of a StatePart.
         * @deprecated Use umbra.v1.StatePart.$Properties instead.
         */
        interface IStatePart extends umbra.v1.StatePart.$Properties {
        }

        /** Represents a StatePart. */
        class StatePart {

            /**
             * Constructs a new StatePart.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.StatePart.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** StatePart part. */
            part: umbra.v1.StatePartKind;

            /** StatePart sizeBytes. */
            sizeBytes: Long;

            /**
             * Creates a new StatePart instance using the specified properties.
             * @param [properties] Properties to set
             * @returns StatePart instance
             */
            static create(properties: umbra.v1.StatePart.$Shape): umbra.v1.StatePart & umbra.v1.StatePart.$Shape;
            static create(properties?: umbra.v1.StatePart.$Properties): umbra.v1.StatePart;

            /**
             * Encodes the specified StatePart message. Does not implicitly {@link umbra.v1.StatePart.verify|verify} messages.
             * @param message StatePart message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.StatePart.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a StatePart message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.StatePart & umbra.v1.StatePart.$Shape} StatePart
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.StatePart & umbra.v1.StatePart.$Shape;

            /**
             * Creates a StatePart message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns StatePart
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.StatePart;

            /**
             * Creates a plain object from a StatePart message. Also converts values to other types if specified.
             * @param message StatePart
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.StatePart, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this StatePart to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace StatePart {

            /** Properties of a StatePart. */
            interface $Properties {

                /** StatePart part */
                part?: (umbra.v1.StatePartKind|null);

                /** StatePart sizeBytes */
                sizeBytes?: (Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a StatePart. */
            type $Shape = umbra.v1.StatePart.$Properties;
        }

        /** StatePartKind enum. */
        enum StatePartKind {

            /** STATE_PART_NONE value */
            STATE_PART_NONE = 0,

            /** STATE_PART_RAM value */
            STATE_PART_RAM = 1,

            /** STATE_PART_DEVICES value */
            STATE_PART_DEVICES = 2,

            /** STATE_PART_CONFIGURATION value */
            STATE_PART_CONFIGURATION = 3
        }

        /**
         * Properties of an ImportOrigin.
         * @deprecated Use umbra.v1.ImportOrigin.$Properties instead.
         */
        interface IImportOrigin extends umbra.v1.ImportOrigin.$Properties {
        }

        /** Represents an ImportOrigin. */
        class ImportOrigin {

            /**
             * Constructs a new ImportOrigin.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.ImportOrigin.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ImportOrigin kind. */
            kind: umbra.v1.ImportKind;

            /** ImportOrigin name. */
            name: string;

            /** ImportOrigin timeFrom. */
            timeFrom: umbra.v1.ImportTime;

            /**
             * Creates a new ImportOrigin instance using the specified properties.
             * @param [properties] Properties to set
             * @returns ImportOrigin instance
             */
            static create(properties: umbra.v1.ImportOrigin.$Shape): umbra.v1.ImportOrigin & umbra.v1.ImportOrigin.$Shape;
            static create(properties?: umbra.v1.ImportOrigin.$Properties): umbra.v1.ImportOrigin;

            /**
             * Encodes the specified ImportOrigin message. Does not implicitly {@link umbra.v1.ImportOrigin.verify|verify} messages.
             * @param message ImportOrigin message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.ImportOrigin.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an ImportOrigin message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.ImportOrigin & umbra.v1.ImportOrigin.$Shape} ImportOrigin
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.ImportOrigin & umbra.v1.ImportOrigin.$Shape;

            /**
             * Creates an ImportOrigin message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns ImportOrigin
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.ImportOrigin;

            /**
             * Creates a plain object from an ImportOrigin message. Also converts values to other types if specified.
             * @param message ImportOrigin
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.ImportOrigin, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this ImportOrigin to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace ImportOrigin {

            /** Properties of an ImportOrigin. */
            interface $Properties {

                /** ImportOrigin kind */
                kind?: (umbra.v1.ImportKind|null);

                /** ImportOrigin name */
                name?: (string|null);

                /** ImportOrigin timeFrom */
                timeFrom?: (umbra.v1.ImportTime|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an ImportOrigin. */
            type $Shape = umbra.v1.ImportOrigin.$Properties;
        }

        /** ImportKind enum. */
        enum ImportKind {

            /** IMPORT_KIND_UNKNOWN value */
            IMPORT_KIND_UNKNOWN = 0,

            /** IMPORT_KIND_SNAPSHOT value */
            IMPORT_KIND_SNAPSHOT = 1,

            /** IMPORT_KIND_LAYER value */
            IMPORT_KIND_LAYER = 2,

            /** IMPORT_KIND_IMAGE value */
            IMPORT_KIND_IMAGE = 3
        }

        /** ImportTime enum. */
        enum ImportTime {

            /** IMPORT_TIME_UNKNOWN value */
            IMPORT_TIME_UNKNOWN = 0,

            /** IMPORT_TIME_SNAPSHOT value */
            IMPORT_TIME_SNAPSHOT = 1,

            /** IMPORT_TIME_NAME value */
            IMPORT_TIME_NAME = 2,

            /** IMPORT_TIME_MODIFIED value */
            IMPORT_TIME_MODIFIED = 3,

            /** IMPORT_TIME_GIVEN value */
            IMPORT_TIME_GIVEN = 4
        }

        /**
         * Properties of a Session.
         * @deprecated Use umbra.v1.Session.$Properties instead.
         */
        interface ISession extends umbra.v1.Session.$Properties {
        }

        /** Represents a Session. */
        class Session {

            /**
             * Constructs a new Session.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Session.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Session user. */
            user: string;

            /** Session tty. */
            tty: string;

            /** Session host. */
            host: string;

            /** Session from. */
            from: number;

            /** Session to. */
            to: number;

            /**
             * Creates a new Session instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Session instance
             */
            static create(properties: umbra.v1.Session.$Shape): umbra.v1.Session & umbra.v1.Session.$Shape;
            static create(properties?: umbra.v1.Session.$Properties): umbra.v1.Session;

            /**
             * Encodes the specified Session message. Does not implicitly {@link umbra.v1.Session.verify|verify} messages.
             * @param message Session message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Session.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Session message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Session & umbra.v1.Session.$Shape} Session
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Session & umbra.v1.Session.$Shape;

            /**
             * Creates a Session message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Session
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Session;

            /**
             * Creates a plain object from a Session message. Also converts values to other types if specified.
             * @param message Session
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Session, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Session to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Session {

            /** Properties of a Session. */
            interface $Properties {

                /** Session user */
                user?: (string|null);

                /** Session tty */
                tty?: (string|null);

                /** Session host */
                host?: (string|null);

                /** Session from */
                from?: (number|null);

                /** Session to */
                to?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Session. */
            type $Shape = umbra.v1.Session.$Properties;
        }

        /**
         * Properties of a PackageChange.
         * @deprecated Use umbra.v1.PackageChange.$Properties instead.
         */
        interface IPackageChange extends umbra.v1.PackageChange.$Properties {
        }

        /** Represents a PackageChange. */
        class PackageChange {

            /**
             * Constructs a new PackageChange.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.PackageChange.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PackageChange package. */
            package: string;

            /** PackageChange before. */
            before: string;

            /** PackageChange after. */
            after: string;

            /**
             * Creates a new PackageChange instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PackageChange instance
             */
            static create(properties: umbra.v1.PackageChange.$Shape): umbra.v1.PackageChange & umbra.v1.PackageChange.$Shape;
            static create(properties?: umbra.v1.PackageChange.$Properties): umbra.v1.PackageChange;

            /**
             * Encodes the specified PackageChange message. Does not implicitly {@link umbra.v1.PackageChange.verify|verify} messages.
             * @param message PackageChange message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.PackageChange.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PackageChange message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.PackageChange & umbra.v1.PackageChange.$Shape} PackageChange
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.PackageChange & umbra.v1.PackageChange.$Shape;

            /**
             * Creates a PackageChange message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PackageChange
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.PackageChange;

            /**
             * Creates a plain object from a PackageChange message. Also converts values to other types if specified.
             * @param message PackageChange
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.PackageChange, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PackageChange to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace PackageChange {

            /** Properties of a PackageChange. */
            interface $Properties {

                /** PackageChange package */
                "package"?: (string|null);

                /** PackageChange before */
                before?: (string|null);

                /** PackageChange after */
                after?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PackageChange. */
            type $Shape = umbra.v1.PackageChange.$Properties;
        }

        /**
         * Properties of a DiskChange.
         * @deprecated Use umbra.v1.DiskChange.$Properties instead.
         */
        interface IDiskChange extends umbra.v1.DiskChange.$Properties {
        }

        /** Represents a DiskChange. */
        class DiskChange {

            /**
             * Constructs a new DiskChange.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.DiskChange.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** DiskChange disk. */
            disk: string;

            /** DiskChange sizeBytes. */
            sizeBytes: Long;

            /** DiskChange mode. */
            mode: umbra.v1.CaptureMode;

            /** DiskChange reason. */
            reason: string;

            /** DiskChange dirtyBytes. */
            dirtyBytes: Long;

            /** DiskChange readBytes. */
            readBytes: Long;

            /** DiskChange changedBytes. */
            changedBytes: Long;

            /** DiskChange newZeroBlocks. */
            newZeroBlocks: Long;

            /** DiskChange entropyBefore. */
            entropyBefore: number;

            /** DiskChange entropyAfter. */
            entropyAfter: number;

            /** DiskChange attribution. */
            attribution?: (umbra.v1.Attribution.$Properties|null);

            /** DiskChange volumes. */
            volumes: umbra.v1.Volume.$Properties[];

            /** DiskChange problems. */
            problems: string[];

            /**
             * Creates a new DiskChange instance using the specified properties.
             * @param [properties] Properties to set
             * @returns DiskChange instance
             */
            static create(properties: umbra.v1.DiskChange.$Shape): umbra.v1.DiskChange & umbra.v1.DiskChange.$Shape;
            static create(properties?: umbra.v1.DiskChange.$Properties): umbra.v1.DiskChange;

            /**
             * Encodes the specified DiskChange message. Does not implicitly {@link umbra.v1.DiskChange.verify|verify} messages.
             * @param message DiskChange message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.DiskChange.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a DiskChange message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.DiskChange & umbra.v1.DiskChange.$Shape} DiskChange
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.DiskChange & umbra.v1.DiskChange.$Shape;

            /**
             * Creates a DiskChange message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns DiskChange
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.DiskChange;

            /**
             * Creates a plain object from a DiskChange message. Also converts values to other types if specified.
             * @param message DiskChange
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.DiskChange, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this DiskChange to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace DiskChange {

            /** Properties of a DiskChange. */
            interface $Properties {

                /** DiskChange disk */
                disk?: (string|null);

                /** DiskChange sizeBytes */
                sizeBytes?: (Long|null);

                /** DiskChange mode */
                mode?: (umbra.v1.CaptureMode|null);

                /** DiskChange reason */
                reason?: (string|null);

                /** DiskChange dirtyBytes */
                dirtyBytes?: (Long|null);

                /** DiskChange readBytes */
                readBytes?: (Long|null);

                /** DiskChange changedBytes */
                changedBytes?: (Long|null);

                /** DiskChange newZeroBlocks */
                newZeroBlocks?: (Long|null);

                /** DiskChange entropyBefore */
                entropyBefore?: (number|null);

                /** DiskChange entropyAfter */
                entropyAfter?: (number|null);

                /** DiskChange attribution */
                attribution?: (umbra.v1.Attribution.$Properties|null);

                /** DiskChange volumes */
                volumes?: (umbra.v1.Volume.$Properties[]|null);

                /** DiskChange problems */
                problems?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a DiskChange. */
            type $Shape = umbra.v1.DiskChange.$Properties;
        }

        /**
         * Properties of an Attribution.
         * @deprecated Use umbra.v1.Attribution.$Properties instead.
         */
        interface IAttribution extends umbra.v1.Attribution.$Properties {
        }

        /** Represents an Attribution. */
        class Attribution {

            /**
             * Constructs a new Attribution.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Attribution.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Attribution total. */
            total: Long;

            /** Attribution file. */
            file: Long;

            /** Attribution directory. */
            directory: Long;

            /** Attribution journal. */
            journal: Long;

            /** Attribution metadata. */
            metadata: Long;

            /** Attribution free. */
            free: Long;

            /** Attribution unknown. */
            unknown: Long;

            /**
             * Creates a new Attribution instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Attribution instance
             */
            static create(properties: umbra.v1.Attribution.$Shape): umbra.v1.Attribution & umbra.v1.Attribution.$Shape;
            static create(properties?: umbra.v1.Attribution.$Properties): umbra.v1.Attribution;

            /**
             * Encodes the specified Attribution message. Does not implicitly {@link umbra.v1.Attribution.verify|verify} messages.
             * @param message Attribution message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Attribution.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Attribution message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Attribution & umbra.v1.Attribution.$Shape} Attribution
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Attribution & umbra.v1.Attribution.$Shape;

            /**
             * Creates an Attribution message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Attribution
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Attribution;

            /**
             * Creates a plain object from an Attribution message. Also converts values to other types if specified.
             * @param message Attribution
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Attribution, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Attribution to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Attribution {

            /** Properties of an Attribution. */
            interface $Properties {

                /** Attribution total */
                total?: (Long|null);

                /** Attribution file */
                file?: (Long|null);

                /** Attribution directory */
                directory?: (Long|null);

                /** Attribution journal */
                journal?: (Long|null);

                /** Attribution metadata */
                metadata?: (Long|null);

                /** Attribution free */
                free?: (Long|null);

                /** Attribution unknown */
                unknown?: (Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Attribution. */
            type $Shape = umbra.v1.Attribution.$Properties;
        }

        /**
         * Properties of a Volume.
         * @deprecated Use umbra.v1.Volume.$Properties instead.
         */
        interface IVolume extends umbra.v1.Volume.$Properties {
        }

        /** Represents a Volume. */
        class Volume {

            /**
             * Constructs a new Volume.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Volume.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Volume id. */
            id: string;

            /** Volume offset. */
            offset: Long;

            /** Volume length. */
            length: Long;

            /** Volume kind. */
            kind: string;

            /** Volume label. */
            label: string;

            /** Volume files. */
            files: Long;

            /** Volume usedBytes. */
            usedBytes: Long;

            /** Volume freeBytes. */
            freeBytes: Long;

            /**
             * Creates a new Volume instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Volume instance
             */
            static create(properties: umbra.v1.Volume.$Shape): umbra.v1.Volume & umbra.v1.Volume.$Shape;
            static create(properties?: umbra.v1.Volume.$Properties): umbra.v1.Volume;

            /**
             * Encodes the specified Volume message. Does not implicitly {@link umbra.v1.Volume.verify|verify} messages.
             * @param message Volume message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Volume.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Volume message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Volume & umbra.v1.Volume.$Shape} Volume
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Volume & umbra.v1.Volume.$Shape;

            /**
             * Creates a Volume message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Volume
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Volume;

            /**
             * Creates a plain object from a Volume message. Also converts values to other types if specified.
             * @param message Volume
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Volume, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Volume to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Volume {

            /** Properties of a Volume. */
            interface $Properties {

                /** Volume id */
                id?: (string|null);

                /** Volume offset */
                offset?: (Long|null);

                /** Volume length */
                length?: (Long|null);

                /** Volume kind */
                kind?: (string|null);

                /** Volume label */
                label?: (string|null);

                /** Volume files */
                files?: (Long|null);

                /** Volume usedBytes */
                usedBytes?: (Long|null);

                /** Volume freeBytes */
                freeBytes?: (Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Volume. */
            type $Shape = umbra.v1.Volume.$Properties;
        }

        /**
         * Properties of a BlockRun.
         * @deprecated Use umbra.v1.BlockRun.$Properties instead.
         */
        interface IBlockRun extends umbra.v1.BlockRun.$Properties {
        }

        /** Represents a BlockRun. */
        class BlockRun {

            /**
             * Constructs a new BlockRun.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.BlockRun.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** BlockRun disk. */
            disk: string;

            /** BlockRun firstBlock. */
            firstBlock: Long;

            /** BlockRun names. */
            names: Uint8Array;

            /** BlockRun entropy. */
            entropy: Uint8Array;

            /** BlockRun part. */
            part: umbra.v1.StatePartKind;

            /**
             * Creates a new BlockRun instance using the specified properties.
             * @param [properties] Properties to set
             * @returns BlockRun instance
             */
            static create(properties: umbra.v1.BlockRun.$Shape): umbra.v1.BlockRun & umbra.v1.BlockRun.$Shape;
            static create(properties?: umbra.v1.BlockRun.$Properties): umbra.v1.BlockRun;

            /**
             * Encodes the specified BlockRun message. Does not implicitly {@link umbra.v1.BlockRun.verify|verify} messages.
             * @param message BlockRun message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.BlockRun.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a BlockRun message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.BlockRun & umbra.v1.BlockRun.$Shape} BlockRun
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.BlockRun & umbra.v1.BlockRun.$Shape;

            /**
             * Creates a BlockRun message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns BlockRun
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.BlockRun;

            /**
             * Creates a plain object from a BlockRun message. Also converts values to other types if specified.
             * @param message BlockRun
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.BlockRun, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this BlockRun to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace BlockRun {

            /** Properties of a BlockRun. */
            interface $Properties {

                /** BlockRun disk */
                disk?: (string|null);

                /** BlockRun firstBlock */
                firstBlock?: (Long|null);

                /** BlockRun names */
                names?: (Uint8Array|null);

                /** BlockRun entropy */
                entropy?: (Uint8Array|null);

                /** BlockRun part */
                part?: (umbra.v1.StatePartKind|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a BlockRun. */
            type $Shape = umbra.v1.BlockRun.$Properties;
        }

        /** FileChangeKind enum. */
        enum FileChangeKind {

            /** FILE_CHANGE_UNKNOWN value */
            FILE_CHANGE_UNKNOWN = 0,

            /** FILE_CHANGE_CREATED value */
            FILE_CHANGE_CREATED = 1,

            /** FILE_CHANGE_MODIFIED value */
            FILE_CHANGE_MODIFIED = 2,

            /** FILE_CHANGE_DELETED value */
            FILE_CHANGE_DELETED = 3,

            /** FILE_CHANGE_RENAMED value */
            FILE_CHANGE_RENAMED = 4,

            /** FILE_CHANGE_METADATA value */
            FILE_CHANGE_METADATA = 5,

            /** FILE_CHANGE_TRANSIENT value */
            FILE_CHANGE_TRANSIENT = 6
        }

        /**
         * Properties of a FileChange.
         * @deprecated Use umbra.v1.FileChange.$Properties instead.
         */
        interface IFileChange extends umbra.v1.FileChange.$Properties {
        }

        /** Represents a FileChange. */
        class FileChange {

            /**
             * Constructs a new FileChange.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.FileChange.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** FileChange change. */
            change: umbra.v1.FileChangeKind;

            /** FileChange path. */
            path: string;

            /** FileChange oldPath. */
            oldPath: string;

            /** FileChange type. */
            type: string;

            /** FileChange inode. */
            inode: Long;

            /** FileChange sizeBefore. */
            sizeBefore: Long;

            /** FileChange sizeAfter. */
            sizeAfter: Long;

            /** FileChange changedBytes. */
            changedBytes: Long;

            /** FileChange entropyBefore. */
            entropyBefore: number;

            /** FileChange entropyAfter. */
            entropyAfter: number;

            /** FileChange uid. */
            uid: number;

            /** FileChange gid. */
            gid: number;

            /** FileChange owner. */
            owner: string;

            /** FileChange group. */
            group: string;

            /** FileChange mode. */
            mode: number;

            /** FileChange mtime. */
            mtime: number;

            /** FileChange actors. */
            actors: umbra.v1.Actor.$Properties[];

            /** FileChange package. */
            package?: (umbra.v1.PackageFile.$Properties|null);

            /** FileChange via. */
            via: string[];

            /**
             * Creates a new FileChange instance using the specified properties.
             * @param [properties] Properties to set
             * @returns FileChange instance
             */
            static create(properties: umbra.v1.FileChange.$Shape): umbra.v1.FileChange & umbra.v1.FileChange.$Shape;
            static create(properties?: umbra.v1.FileChange.$Properties): umbra.v1.FileChange;

            /**
             * Encodes the specified FileChange message. Does not implicitly {@link umbra.v1.FileChange.verify|verify} messages.
             * @param message FileChange message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.FileChange.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a FileChange message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.FileChange & umbra.v1.FileChange.$Shape} FileChange
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.FileChange & umbra.v1.FileChange.$Shape;

            /**
             * Creates a FileChange message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns FileChange
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.FileChange;

            /**
             * Creates a plain object from a FileChange message. Also converts values to other types if specified.
             * @param message FileChange
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.FileChange, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this FileChange to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace FileChange {

            /** Properties of a FileChange. */
            interface $Properties {

                /** FileChange change */
                change?: (umbra.v1.FileChangeKind|null);

                /** FileChange path */
                path?: (string|null);

                /** FileChange oldPath */
                oldPath?: (string|null);

                /** FileChange type */
                type?: (string|null);

                /** FileChange inode */
                inode?: (Long|null);

                /** FileChange sizeBefore */
                sizeBefore?: (Long|null);

                /** FileChange sizeAfter */
                sizeAfter?: (Long|null);

                /** FileChange changedBytes */
                changedBytes?: (Long|null);

                /** FileChange entropyBefore */
                entropyBefore?: (number|null);

                /** FileChange entropyAfter */
                entropyAfter?: (number|null);

                /** FileChange uid */
                uid?: (number|null);

                /** FileChange gid */
                gid?: (number|null);

                /** FileChange owner */
                owner?: (string|null);

                /** FileChange group */
                group?: (string|null);

                /** FileChange mode */
                mode?: (number|null);

                /** FileChange mtime */
                mtime?: (number|null);

                /** FileChange actors */
                actors?: (umbra.v1.Actor.$Properties[]|null);

                /** FileChange package */
                "package"?: (umbra.v1.PackageFile.$Properties|null);

                /** FileChange via */
                via?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a FileChange. */
            type $Shape = umbra.v1.FileChange.$Properties;
        }

        /**
         * Properties of an Actor.
         * @deprecated Use umbra.v1.Actor.$Properties instead.
         */
        interface IActor extends umbra.v1.Actor.$Properties {
        }

        /** Represents an Actor. */
        class Actor {

            /**
             * Constructs a new Actor.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.Actor.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Actor time. */
            time: number;

            /** Actor count. */
            count: number;

            /** Actor action. */
            action: string;

            /** Actor user. */
            user: string;

            /** Actor account. */
            account: string;

            /** Actor host. */
            host: string;

            /** Actor tty. */
            tty: string;

            /** Actor process. */
            process: string;

            /** Actor executable. */
            executable: string;

            /** Actor pid. */
            pid: number;

            /** Actor source. */
            source: string;

            /**
             * Creates a new Actor instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Actor instance
             */
            static create(properties: umbra.v1.Actor.$Shape): umbra.v1.Actor & umbra.v1.Actor.$Shape;
            static create(properties?: umbra.v1.Actor.$Properties): umbra.v1.Actor;

            /**
             * Encodes the specified Actor message. Does not implicitly {@link umbra.v1.Actor.verify|verify} messages.
             * @param message Actor message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.Actor.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Actor message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.Actor & umbra.v1.Actor.$Shape} Actor
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.Actor & umbra.v1.Actor.$Shape;

            /**
             * Creates an Actor message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns Actor
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.Actor;

            /**
             * Creates a plain object from an Actor message. Also converts values to other types if specified.
             * @param message Actor
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.Actor, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this Actor to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace Actor {

            /** Properties of an Actor. */
            interface $Properties {

                /** Actor time */
                time?: (number|null);

                /** Actor count */
                count?: (number|null);

                /** Actor action */
                action?: (string|null);

                /** Actor user */
                user?: (string|null);

                /** Actor account */
                account?: (string|null);

                /** Actor host */
                host?: (string|null);

                /** Actor tty */
                tty?: (string|null);

                /** Actor process */
                process?: (string|null);

                /** Actor executable */
                executable?: (string|null);

                /** Actor pid */
                pid?: (number|null);

                /** Actor source */
                source?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Actor. */
            type $Shape = umbra.v1.Actor.$Properties;
        }

        /**
         * Properties of a PackageFile.
         * @deprecated Use umbra.v1.PackageFile.$Properties instead.
         */
        interface IPackageFile extends umbra.v1.PackageFile.$Properties {
        }

        /** Represents a PackageFile. */
        class PackageFile {

            /**
             * Constructs a new PackageFile.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.PackageFile.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PackageFile name. */
            name: string;

            /** PackageFile version. */
            version: string;

            /** PackageFile event. */
            event: string;

            /** PackageFile state. */
            state: string;

            /** PackageFile explained. */
            explained: boolean;

            /**
             * Creates a new PackageFile instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PackageFile instance
             */
            static create(properties: umbra.v1.PackageFile.$Shape): umbra.v1.PackageFile & umbra.v1.PackageFile.$Shape;
            static create(properties?: umbra.v1.PackageFile.$Properties): umbra.v1.PackageFile;

            /**
             * Encodes the specified PackageFile message. Does not implicitly {@link umbra.v1.PackageFile.verify|verify} messages.
             * @param message PackageFile message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.PackageFile.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PackageFile message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.PackageFile & umbra.v1.PackageFile.$Shape} PackageFile
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.PackageFile & umbra.v1.PackageFile.$Shape;

            /**
             * Creates a PackageFile message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PackageFile
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.PackageFile;

            /**
             * Creates a plain object from a PackageFile message. Also converts values to other types if specified.
             * @param message PackageFile
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.PackageFile, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PackageFile to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace PackageFile {

            /** Properties of a PackageFile. */
            interface $Properties {

                /** PackageFile name */
                name?: (string|null);

                /** PackageFile version */
                version?: (string|null);

                /** PackageFile event */
                event?: (string|null);

                /** PackageFile state */
                state?: (string|null);

                /** PackageFile explained */
                explained?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PackageFile. */
            type $Shape = umbra.v1.PackageFile.$Properties;
        }

        /**
         * Properties of a FileChanges.
         * @deprecated Use umbra.v1.FileChanges.$Properties instead.
         */
        interface IFileChanges extends umbra.v1.FileChanges.$Properties {
        }

        /** Represents a FileChanges. */
        class FileChanges {

            /**
             * Constructs a new FileChanges.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.FileChanges.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** FileChanges disk. */
            disk: string;

            /** FileChanges volume. */
            volume: string;

            /** FileChanges files. */
            files: umbra.v1.FileChange.$Properties[];

            /**
             * Creates a new FileChanges instance using the specified properties.
             * @param [properties] Properties to set
             * @returns FileChanges instance
             */
            static create(properties: umbra.v1.FileChanges.$Shape): umbra.v1.FileChanges & umbra.v1.FileChanges.$Shape;
            static create(properties?: umbra.v1.FileChanges.$Properties): umbra.v1.FileChanges;

            /**
             * Encodes the specified FileChanges message. Does not implicitly {@link umbra.v1.FileChanges.verify|verify} messages.
             * @param message FileChanges message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.FileChanges.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a FileChanges message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.FileChanges & umbra.v1.FileChanges.$Shape} FileChanges
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.FileChanges & umbra.v1.FileChanges.$Shape;

            /**
             * Creates a FileChanges message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns FileChanges
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.FileChanges;

            /**
             * Creates a plain object from a FileChanges message. Also converts values to other types if specified.
             * @param message FileChanges
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.FileChanges, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this FileChanges to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace FileChanges {

            /** Properties of a FileChanges. */
            interface $Properties {

                /** FileChanges disk */
                disk?: (string|null);

                /** FileChanges volume */
                volume?: (string|null);

                /** FileChanges files */
                files?: (umbra.v1.FileChange.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a FileChanges. */
            type $Shape = umbra.v1.FileChanges.$Properties;
        }

        /** SubmitStatus enum. */
        enum SubmitStatus {

            /** SUBMIT_STATUS_UNKNOWN value */
            SUBMIT_STATUS_UNKNOWN = 0,

            /** SUBMIT_STATUS_ACCEPTED value */
            SUBMIT_STATUS_ACCEPTED = 1,

            /** SUBMIT_STATUS_DUPLICATE value */
            SUBMIT_STATUS_DUPLICATE = 2,

            /** SUBMIT_STATUS_MISSING value */
            SUBMIT_STATUS_MISSING = 3,

            /** SUBMIT_STATUS_BASE_UNKNOWN value */
            SUBMIT_STATUS_BASE_UNKNOWN = 4,

            /** SUBMIT_STATUS_REFUSED value */
            SUBMIT_STATUS_REFUSED = 5
        }

        /**
         * Properties of a SubmitResult.
         * @deprecated Use umbra.v1.SubmitResult.$Properties instead.
         */
        interface ISubmitResult extends umbra.v1.SubmitResult.$Properties {
        }

        /** Represents a SubmitResult. */
        class SubmitResult {

            /**
             * Constructs a new SubmitResult.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.SubmitResult.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SubmitResult status. */
            status: umbra.v1.SubmitStatus;

            /** SubmitResult message. */
            message: string;

            /** SubmitResult missing. */
            missing: Uint8Array;

            /** SubmitResult sequence. */
            sequence: Long;

            /**
             * Creates a new SubmitResult instance using the specified properties.
             * @param [properties] Properties to set
             * @returns SubmitResult instance
             */
            static create(properties: umbra.v1.SubmitResult.$Shape): umbra.v1.SubmitResult & umbra.v1.SubmitResult.$Shape;
            static create(properties?: umbra.v1.SubmitResult.$Properties): umbra.v1.SubmitResult;

            /**
             * Encodes the specified SubmitResult message. Does not implicitly {@link umbra.v1.SubmitResult.verify|verify} messages.
             * @param message SubmitResult message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.SubmitResult.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SubmitResult message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.SubmitResult & umbra.v1.SubmitResult.$Shape} SubmitResult
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.SubmitResult & umbra.v1.SubmitResult.$Shape;

            /**
             * Creates a SubmitResult message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns SubmitResult
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.SubmitResult;

            /**
             * Creates a plain object from a SubmitResult message. Also converts values to other types if specified.
             * @param message SubmitResult
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.SubmitResult, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this SubmitResult to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace SubmitResult {

            /** Properties of a SubmitResult. */
            interface $Properties {

                /** SubmitResult status */
                status?: (umbra.v1.SubmitStatus|null);

                /** SubmitResult message */
                message?: (string|null);

                /** SubmitResult missing */
                missing?: (Uint8Array|null);

                /** SubmitResult sequence */
                sequence?: (Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SubmitResult. */
            type $Shape = umbra.v1.SubmitResult.$Properties;
        }

        /**
         * Properties of a PointsQuery.
         * @deprecated Use umbra.v1.PointsQuery.$Properties instead.
         */
        interface IPointsQuery extends umbra.v1.PointsQuery.$Properties {
        }

        /** Represents a PointsQuery. */
        class PointsQuery {

            /**
             * Constructs a new PointsQuery.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.PointsQuery.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PointsQuery vm. */
            vm: string;

            /** PointsQuery afterNs. */
            afterNs: Long;

            /**
             * Creates a new PointsQuery instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PointsQuery instance
             */
            static create(properties: umbra.v1.PointsQuery.$Shape): umbra.v1.PointsQuery & umbra.v1.PointsQuery.$Shape;
            static create(properties?: umbra.v1.PointsQuery.$Properties): umbra.v1.PointsQuery;

            /**
             * Encodes the specified PointsQuery message. Does not implicitly {@link umbra.v1.PointsQuery.verify|verify} messages.
             * @param message PointsQuery message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.PointsQuery.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PointsQuery message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.PointsQuery & umbra.v1.PointsQuery.$Shape} PointsQuery
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.PointsQuery & umbra.v1.PointsQuery.$Shape;

            /**
             * Creates a PointsQuery message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PointsQuery
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.PointsQuery;

            /**
             * Creates a plain object from a PointsQuery message. Also converts values to other types if specified.
             * @param message PointsQuery
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.PointsQuery, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PointsQuery to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace PointsQuery {

            /** Properties of a PointsQuery. */
            interface $Properties {

                /** PointsQuery vm */
                vm?: (string|null);

                /** PointsQuery afterNs */
                afterNs?: (Long|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PointsQuery. */
            type $Shape = umbra.v1.PointsQuery.$Properties;
        }

        /**
         * Properties of a PointsPage.
         * @deprecated Use umbra.v1.PointsPage.$Properties instead.
         */
        interface IPointsPage extends umbra.v1.PointsPage.$Properties {
        }

        /** Represents a PointsPage. */
        class PointsPage {

            /**
             * Constructs a new PointsPage.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.PointsPage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PointsPage known. */
            known: boolean;

            /** PointsPage headId. */
            headId: string;

            /** PointsPage disks. */
            disks: umbra.v1.DiskStatus.$Properties[];

            /** PointsPage keepsImported. */
            keepsImported: boolean;

            /** PointsPage points. */
            points: umbra.v1.PointSummary.$Properties[];

            /** PointsPage more. */
            more: boolean;

            /**
             * Creates a new PointsPage instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PointsPage instance
             */
            static create(properties: umbra.v1.PointsPage.$Shape): umbra.v1.PointsPage & umbra.v1.PointsPage.$Shape;
            static create(properties?: umbra.v1.PointsPage.$Properties): umbra.v1.PointsPage;

            /**
             * Encodes the specified PointsPage message. Does not implicitly {@link umbra.v1.PointsPage.verify|verify} messages.
             * @param message PointsPage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.PointsPage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PointsPage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.PointsPage & umbra.v1.PointsPage.$Shape} PointsPage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.PointsPage & umbra.v1.PointsPage.$Shape;

            /**
             * Creates a PointsPage message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PointsPage
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.PointsPage;

            /**
             * Creates a plain object from a PointsPage message. Also converts values to other types if specified.
             * @param message PointsPage
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.PointsPage, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PointsPage to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace PointsPage {

            /** Properties of a PointsPage. */
            interface $Properties {

                /** PointsPage known */
                known?: (boolean|null);

                /** PointsPage headId */
                headId?: (string|null);

                /** PointsPage disks */
                disks?: (umbra.v1.DiskStatus.$Properties[]|null);

                /** PointsPage keepsImported */
                keepsImported?: (boolean|null);

                /** PointsPage points */
                points?: (umbra.v1.PointSummary.$Properties[]|null);

                /** PointsPage more */
                more?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PointsPage. */
            type $Shape = umbra.v1.PointsPage.$Properties;
        }

        /**
         * Properties of a PointSummary.
         * @deprecated Use umbra.v1.PointSummary.$Properties instead.
         */
        interface IPointSummary extends umbra.v1.PointSummary.$Properties {
        }

        /** Represents a PointSummary. */
        class PointSummary {

            /**
             * Constructs a new PointSummary.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.PointSummary.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PointSummary id. */
            id: string;

            /** PointSummary timeNs. */
            timeNs: Long;

            /** PointSummary imported. */
            imported: boolean;

            /** PointSummary disks. */
            disks: umbra.v1.PointDisk.$Properties[];

            /** PointSummary files. */
            files: Long;

            /** PointSummary judged. */
            judged: boolean;

            /** PointSummary score. */
            score: number;

            /** PointSummary severity. */
            severity: string;

            /** PointSummary triggers. */
            triggers: string[];

            /**
             * Creates a new PointSummary instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PointSummary instance
             */
            static create(properties: umbra.v1.PointSummary.$Shape): umbra.v1.PointSummary & umbra.v1.PointSummary.$Shape;
            static create(properties?: umbra.v1.PointSummary.$Properties): umbra.v1.PointSummary;

            /**
             * Encodes the specified PointSummary message. Does not implicitly {@link umbra.v1.PointSummary.verify|verify} messages.
             * @param message PointSummary message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.PointSummary.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PointSummary message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.PointSummary & umbra.v1.PointSummary.$Shape} PointSummary
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.PointSummary & umbra.v1.PointSummary.$Shape;

            /**
             * Creates a PointSummary message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PointSummary
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.PointSummary;

            /**
             * Creates a plain object from a PointSummary message. Also converts values to other types if specified.
             * @param message PointSummary
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.PointSummary, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PointSummary to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace PointSummary {

            /** Properties of a PointSummary. */
            interface $Properties {

                /** PointSummary id */
                id?: (string|null);

                /** PointSummary timeNs */
                timeNs?: (Long|null);

                /** PointSummary imported */
                imported?: (boolean|null);

                /** PointSummary disks */
                disks?: (umbra.v1.PointDisk.$Properties[]|null);

                /** PointSummary files */
                files?: (Long|null);

                /** PointSummary judged */
                judged?: (boolean|null);

                /** PointSummary score */
                score?: (number|null);

                /** PointSummary severity */
                severity?: (string|null);

                /** PointSummary triggers */
                triggers?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PointSummary. */
            type $Shape = umbra.v1.PointSummary.$Properties;
        }

        /**
         * Properties of a PointDisk.
         * @deprecated Use umbra.v1.PointDisk.$Properties instead.
         */
        interface IPointDisk extends umbra.v1.PointDisk.$Properties {
        }

        /** Represents a PointDisk. */
        class PointDisk {

            /**
             * Constructs a new PointDisk.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.PointDisk.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PointDisk disk. */
            disk: string;

            /** PointDisk sizeBytes. */
            sizeBytes: Long;

            /** PointDisk root. */
            root: Uint8Array;

            /**
             * Creates a new PointDisk instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PointDisk instance
             */
            static create(properties: umbra.v1.PointDisk.$Shape): umbra.v1.PointDisk & umbra.v1.PointDisk.$Shape;
            static create(properties?: umbra.v1.PointDisk.$Properties): umbra.v1.PointDisk;

            /**
             * Encodes the specified PointDisk message. Does not implicitly {@link umbra.v1.PointDisk.verify|verify} messages.
             * @param message PointDisk message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.PointDisk.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PointDisk message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.PointDisk & umbra.v1.PointDisk.$Shape} PointDisk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.PointDisk & umbra.v1.PointDisk.$Shape;

            /**
             * Creates a PointDisk message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PointDisk
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.PointDisk;

            /**
             * Creates a plain object from a PointDisk message. Also converts values to other types if specified.
             * @param message PointDisk
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.PointDisk, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PointDisk to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace PointDisk {

            /** Properties of a PointDisk. */
            interface $Properties {

                /** PointDisk disk */
                disk?: (string|null);

                /** PointDisk sizeBytes */
                sizeBytes?: (Long|null);

                /** PointDisk root */
                root?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PointDisk. */
            type $Shape = umbra.v1.PointDisk.$Properties;
        }

        /**
         * Properties of a PointTicket.
         * @deprecated Use umbra.v1.PointTicket.$Properties instead.
         */
        interface IPointTicket extends umbra.v1.PointTicket.$Properties {
        }

        /** Represents a PointTicket. */
        class PointTicket {

            /**
             * Constructs a new PointTicket.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.PointTicket.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PointTicket ticket. */
            ticket: Uint8Array;

            /**
             * Creates a new PointTicket instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PointTicket instance
             */
            static create(properties: umbra.v1.PointTicket.$Shape): umbra.v1.PointTicket & umbra.v1.PointTicket.$Shape;
            static create(properties?: umbra.v1.PointTicket.$Properties): umbra.v1.PointTicket;

            /**
             * Encodes the specified PointTicket message. Does not implicitly {@link umbra.v1.PointTicket.verify|verify} messages.
             * @param message PointTicket message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.PointTicket.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PointTicket message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.PointTicket & umbra.v1.PointTicket.$Shape} PointTicket
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.PointTicket & umbra.v1.PointTicket.$Shape;

            /**
             * Creates a PointTicket message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PointTicket
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.PointTicket;

            /**
             * Creates a plain object from a PointTicket message. Also converts values to other types if specified.
             * @param message PointTicket
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.PointTicket, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PointTicket to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace PointTicket {

            /** Properties of a PointTicket. */
            interface $Properties {

                /** PointTicket ticket */
                ticket?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PointTicket. */
            type $Shape = umbra.v1.PointTicket.$Properties;
        }

        /**
         * Properties of a PointContents.
         * @deprecated Use umbra.v1.PointContents.$Properties instead.
         */
        interface IPointContents extends umbra.v1.PointContents.$Properties {
        }

        /** Represents a PointContents. */
        class PointContents {

            /**
             * Constructs a new PointContents.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.PointContents.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PointContents vm. */
            vm: string;

            /** PointContents timeNs. */
            timeNs: Long;

            /** PointContents disks. */
            disks: umbra.v1.PointDisk.$Properties[];

            /** PointContents state. */
            state?: (umbra.v1.MachineState.$Properties|null);

            /**
             * Creates a new PointContents instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PointContents instance
             */
            static create(properties: umbra.v1.PointContents.$Shape): umbra.v1.PointContents & umbra.v1.PointContents.$Shape;
            static create(properties?: umbra.v1.PointContents.$Properties): umbra.v1.PointContents;

            /**
             * Encodes the specified PointContents message. Does not implicitly {@link umbra.v1.PointContents.verify|verify} messages.
             * @param message PointContents message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.PointContents.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PointContents message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.PointContents & umbra.v1.PointContents.$Shape} PointContents
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.PointContents & umbra.v1.PointContents.$Shape;

            /**
             * Creates a PointContents message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PointContents
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.PointContents;

            /**
             * Creates a plain object from a PointContents message. Also converts values to other types if specified.
             * @param message PointContents
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.PointContents, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PointContents to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace PointContents {

            /** Properties of a PointContents. */
            interface $Properties {

                /** PointContents vm */
                vm?: (string|null);

                /** PointContents timeNs */
                timeNs?: (Long|null);

                /** PointContents disks */
                disks?: (umbra.v1.PointDisk.$Properties[]|null);

                /** PointContents state */
                state?: (umbra.v1.MachineState.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PointContents. */
            type $Shape = umbra.v1.PointContents.$Properties;
        }

        /**
         * Properties of a BlocksQuery.
         * @deprecated Use umbra.v1.BlocksQuery.$Properties instead.
         */
        interface IBlocksQuery extends umbra.v1.BlocksQuery.$Properties {
        }

        /** Represents a BlocksQuery. */
        class BlocksQuery {

            /**
             * Constructs a new BlocksQuery.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.BlocksQuery.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** BlocksQuery ticket. */
            ticket: Uint8Array;

            /** BlocksQuery disk. */
            disk: string;

            /** BlocksQuery part. */
            part: umbra.v1.StatePartKind;

            /** BlocksQuery firstBlock. */
            firstBlock: Long;

            /** BlocksQuery blocks. */
            blocks: number;

            /**
             * Creates a new BlocksQuery instance using the specified properties.
             * @param [properties] Properties to set
             * @returns BlocksQuery instance
             */
            static create(properties: umbra.v1.BlocksQuery.$Shape): umbra.v1.BlocksQuery & umbra.v1.BlocksQuery.$Shape;
            static create(properties?: umbra.v1.BlocksQuery.$Properties): umbra.v1.BlocksQuery;

            /**
             * Encodes the specified BlocksQuery message. Does not implicitly {@link umbra.v1.BlocksQuery.verify|verify} messages.
             * @param message BlocksQuery message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.BlocksQuery.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a BlocksQuery message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.BlocksQuery & umbra.v1.BlocksQuery.$Shape} BlocksQuery
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.BlocksQuery & umbra.v1.BlocksQuery.$Shape;

            /**
             * Creates a BlocksQuery message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns BlocksQuery
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.BlocksQuery;

            /**
             * Creates a plain object from a BlocksQuery message. Also converts values to other types if specified.
             * @param message BlocksQuery
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.BlocksQuery, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this BlocksQuery to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace BlocksQuery {

            /** Properties of a BlocksQuery. */
            interface $Properties {

                /** BlocksQuery ticket */
                ticket?: (Uint8Array|null);

                /** BlocksQuery disk */
                disk?: (string|null);

                /** BlocksQuery part */
                part?: (umbra.v1.StatePartKind|null);

                /** BlocksQuery firstBlock */
                firstBlock?: (Long|null);

                /** BlocksQuery blocks */
                blocks?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a BlocksQuery. */
            type $Shape = umbra.v1.BlocksQuery.$Properties;
        }

        /**
         * Properties of a BlocksPart.
         * @deprecated Use umbra.v1.BlocksPart.$Properties instead.
         */
        interface IBlocksPart extends umbra.v1.BlocksPart.$Properties {
        }

        /** Represents a BlocksPart. */
        class BlocksPart {

            /**
             * Constructs a new BlocksPart.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.BlocksPart.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** BlocksPart chunks. */
            chunks: umbra.v1.PlacedChunk.$Properties[];

            /**
             * Creates a new BlocksPart instance using the specified properties.
             * @param [properties] Properties to set
             * @returns BlocksPart instance
             */
            static create(properties: umbra.v1.BlocksPart.$Shape): umbra.v1.BlocksPart & umbra.v1.BlocksPart.$Shape;
            static create(properties?: umbra.v1.BlocksPart.$Properties): umbra.v1.BlocksPart;

            /**
             * Encodes the specified BlocksPart message. Does not implicitly {@link umbra.v1.BlocksPart.verify|verify} messages.
             * @param message BlocksPart message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.BlocksPart.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a BlocksPart message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.BlocksPart & umbra.v1.BlocksPart.$Shape} BlocksPart
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.BlocksPart & umbra.v1.BlocksPart.$Shape;

            /**
             * Creates a BlocksPart message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns BlocksPart
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.BlocksPart;

            /**
             * Creates a plain object from a BlocksPart message. Also converts values to other types if specified.
             * @param message BlocksPart
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.BlocksPart, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this BlocksPart to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace BlocksPart {

            /** Properties of a BlocksPart. */
            interface $Properties {

                /** BlocksPart chunks */
                chunks?: (umbra.v1.PlacedChunk.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a BlocksPart. */
            type $Shape = umbra.v1.BlocksPart.$Properties;
        }

        /**
         * Properties of a PlacedChunk.
         * @deprecated Use umbra.v1.PlacedChunk.$Properties instead.
         */
        interface IPlacedChunk extends umbra.v1.PlacedChunk.$Properties {
        }

        /** Represents a PlacedChunk. */
        class PlacedChunk {

            /**
             * Constructs a new PlacedChunk.
             * @param [properties] Properties to set
             */
            constructor(properties?: umbra.v1.PlacedChunk.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PlacedChunk block. */
            block: Long;

            /** PlacedChunk chunk. */
            chunk?: (umbra.v1.Chunk.$Properties|null);

            /**
             * Creates a new PlacedChunk instance using the specified properties.
             * @param [properties] Properties to set
             * @returns PlacedChunk instance
             */
            static create(properties: umbra.v1.PlacedChunk.$Shape): umbra.v1.PlacedChunk & umbra.v1.PlacedChunk.$Shape;
            static create(properties?: umbra.v1.PlacedChunk.$Properties): umbra.v1.PlacedChunk;

            /**
             * Encodes the specified PlacedChunk message. Does not implicitly {@link umbra.v1.PlacedChunk.verify|verify} messages.
             * @param message PlacedChunk message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: umbra.v1.PlacedChunk.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PlacedChunk message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {umbra.v1.PlacedChunk & umbra.v1.PlacedChunk.$Shape} PlacedChunk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): umbra.v1.PlacedChunk & umbra.v1.PlacedChunk.$Shape;

            /**
             * Creates a PlacedChunk message from a plain object. Also converts values to their respective internal types.
             * @param object Plain object
             * @returns PlacedChunk
             */
            static fromObject(object: { [k: string]: any }): umbra.v1.PlacedChunk;

            /**
             * Creates a plain object from a PlacedChunk message. Also converts values to other types if specified.
             * @param message PlacedChunk
             * @param [options] Conversion options
             * @returns Plain object
             */
            static toObject(message: umbra.v1.PlacedChunk, options?: $protobuf.IConversionOptions): { [k: string]: any };

            /**
             * Converts this PlacedChunk to JSON.
             * @returns JSON object
             */
            toJSON(): { [k: string]: any };
        }

        namespace PlacedChunk {

            /** Properties of a PlacedChunk. */
            interface $Properties {

                /** PlacedChunk block */
                block?: (Long|null);

                /** PlacedChunk chunk */
                chunk?: (umbra.v1.Chunk.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PlacedChunk. */
            type $Shape = umbra.v1.PlacedChunk.$Properties;
        }
    }
}
