{{- /* The pod, the same in a StatefulSet with a file and in a Deployment on NATS. */ -}}
{{- define "mogplex-bridge.pod" -}}
metadata:
  annotations:
    # A changed configuration starts the pod again; subscribers resume where they were.
    checksum/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "mogplex-bridge.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "mogplex-bridge.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
  {{- else if .Values.nats.url }}
  # Replicas on one node die with it.
  topologySpreadConstraints:
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "mogplex-bridge.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: bridge
      image: {{ include "mogplex-bridge.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: ["serve"]
      env:
        - name: MOGPLEX_BRIDGE_CONFIG
          value: /etc/mogplex-bridge/bridge.toml
        - name: MOGPLEX_BRIDGE_LISTEN
          value: "0.0.0.0:8080"
        - name: MOGPLEX_BRIDGE_JOURNAL
          value: {{ default "sqlite:/var/lib/mogplex-bridge/journal.db" .Values.nats.url | quote }}
        {{- if .Values.nats.credentialsSecret.name }}
        - name: MOGPLEX_BRIDGE_JOURNAL_CREDENTIALS_FILE
          value: /run/secrets/mogplex-bridge-nats/{{ .Values.nats.credentialsSecret.key }}
        {{- end }}
        - name: MOGPLEX_BRIDGE_AUTH__TOKENS_FILE
          value: /run/secrets/mogplex-bridge-auth/{{ .Values.auth.key }}
        - name: MOGPLEX_BRIDGE_METRICS__OPEN
          value: {{ .Values.metrics.open | quote }}
        - name: MOGPLEX_BRIDGE_ACCOUNTS__0__TOKEN_FILE
          value: /run/secrets/mogplex-bridge-token/{{ .Values.token.key }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: http
          containerPort: 8080
      # Opening a journal of some gigabytes after a power cut takes a while.
      startupProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 2
        failureThreshold: 90
      # Upstream plays no part in either: its outage restarts nothing and hides nobody.
      livenessProbe:
        httpGet: {path: /livez, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      volumeMounts:
        - name: state
          mountPath: /var/lib/mogplex-bridge
        - name: config
          mountPath: /etc/mogplex-bridge
          readOnly: true
        # Directories, not files: a Secret that changes is a new directory behind the old name.
        - name: token
          mountPath: /run/secrets/mogplex-bridge-token
          readOnly: true
        - name: auth
          mountPath: /run/secrets/mogplex-bridge-auth
          readOnly: true
        {{- if .Values.nats.credentialsSecret.name }}
        - name: nats
          mountPath: /run/secrets/mogplex-bridge-nats
          readOnly: true
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "mogplex-bridge.fullname" . }}
    - name: token
      secret:
        secretName: {{ required "token.existingSecret: name a Secret that holds the token of the account" .Values.token.existingSecret }}
        defaultMode: 0440
    - name: auth
      secret:
        secretName: {{ required "auth.existingSecret: name a Secret that holds tokens.toml; other pods are served, so it is needed" .Values.auth.existingSecret }}
        defaultMode: 0440
    {{- with .Values.nats.credentialsSecret.name }}
    - name: nats
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
    {{- if or .Values.nats.url (not .Values.persistence.enabled) }}
    - name: state
      emptyDir: {}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
