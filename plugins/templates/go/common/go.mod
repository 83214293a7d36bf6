module plugins/{{name}}

go 1.24

require millstream v{{version}}

replace millstream => ./sdk
